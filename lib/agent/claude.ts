import type { Agent, AgentStartOptions } from "./agent.ts";
import { type AgentReport, classifyEnding, type EndingFacts } from "./classify_ending.ts";
import { cutText } from "./cut_text.ts";
import type { EndingPattern } from "./ending_pattern.ts";
import { newClaudeState, parseClaudeEvent } from "./parse_claude_event.ts";
import { probeProgram } from "./probe_program.ts";
import { runAgentProcess } from "./run_agent_process.ts";

/** Options for {@linkcode createClaude}. */
export interface ClaudeOptions {
  /** The program: a name on PATH or a path. @default {"claude"} */
  program?: string;
  /** Further arguments, such as `["--setting-sources", "project"]`. @default {[]} */
  args?: string[];
  /**
   * What it may do besides editing files when it does not run with `yolo`, in Claude Code's
   * own notation, such as `Bash(deno task test:*)`. An empty list leaves it the edits.
   * @default {DEFAULT_ALLOWED_TOOLS}
   */
  allowedTools?: string[];
  /** Patterns that tell endings, tried before the built-in ones. @default {[]} */
  patterns?: readonly EndingPattern[];
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/** What Claude may do without `yolo` besides editing: look at the repository, and commit. */
export const DEFAULT_ALLOWED_TOOLS: readonly string[] = [
  "Bash(git status:*)",
  "Bash(git diff:*)",
  "Bash(git log:*)",
  "Bash(git add:*)",
  "Bash(git commit:*)",
];

/**
 * Makes the agent that runs Claude Code without a terminal, one process for each story.
 *
 * With `yolo` it runs with `--dangerously-skip-permissions`; without, edits are accepted and
 * other tools are limited to `allowedTools`: what it is refused then is in the result.
 *
 * @example Usage
 * ```ts
 * import { createClaude } from "@ralph/cli";
 *
 * const claude = createClaude({ allowedTools: ["Bash(git:*)", "Bash(deno task:*)"] });
 * const availability = await claude.probe({ env: { PATH: "/usr/local/bin" } });
 * ```
 *
 * @param options Additional options.
 * @returns The agent, named `claude`.
 */
export function createClaude(options: ClaudeOptions = {}): Agent {
  const { program = "claude", patterns = [], now = Date.now } = options;
  return {
    name: "claude",
    probe: (probe) =>
      probeProgram(program, { ...probe, hint: "npm install -g @anthropic-ai/claude-code" }),
    start(start) {
      const state = newClaudeState(start.cwd);
      return runAgentProcess([program, ...claudeArgs(options, start)], {
        cwd: start.cwd,
        env: start.env,
        stdin: start.prompt,
        parse: (line, stream) =>
          stream === "stdout"
            ? parseClaudeEvent(line, state)
            : [{ kind: "output", stream, line: cutText(line) }],
        classify: (facts) => classify(facts, state.report),
        ...(start.onOutput && { onOutput: start.onOutput }),
        ...(start.signal && { signal: start.signal }),
      });
    },
  };

  function classify(facts: EndingFacts, report: AgentReport | undefined) {
    // Without a result it did not finish, whatever the exit code says.
    const failure = report || facts.exitCode !== 0 ? undefined : "Claude Code ended without result";
    return classifyEnding(facts, {
      patterns,
      now: now(),
      ...(report ? { report } : { succeeded: false }),
      ...(failure !== undefined && { failure }),
    });
  }
}

function claudeArgs(options: ClaudeOptions, start: AgentStartOptions): string[] {
  const { args = [], allowedTools = DEFAULT_ALLOWED_TOOLS } = options;
  const permissions = start.yolo
    ? ["--dangerously-skip-permissions"]
    : ["--permission-mode", "acceptEdits"];
  // PRDs name models as provider/model, Claude Code without the provider.
  const model = start.model?.replace(/^anthropic\//, "");
  return [
    "--print",
    "--output-format",
    "stream-json",
    "--verbose",
    ...(model === undefined ? [] : ["--model", model]),
    ...permissions,
    ...args,
    ...(start.yolo || allowedTools.length === 0 ? [] : ["--allowedTools", ...allowedTools]),
  ];
}
