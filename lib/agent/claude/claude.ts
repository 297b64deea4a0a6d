import type { Agent } from "../agent.ts";
import { claudeArguments, type ClaudeOptions } from "./options.ts";
import { CLAUDE_INTERRUPTED, claudeConversation, claudeMessageLine } from "./conversation.ts";
import { startClaudePty } from "./pty.ts";
import { claudeSettings } from "./settings.ts";
import { type AgentReport, classifyEnding, type EndingFacts } from "../ending/classify_ending.ts";
import { cutText } from "../../base/cut_text.ts";
import { claudeHopeless, newClaudeState, parseClaudeEvent } from "./events.ts";
import { probeProgram } from "../process/probe_program.ts";
import { runAgentProcess } from "../process/run_agent_process.ts";

const HEADLESS = [
  "--print",
  "--input-format",
  "stream-json",
  "--output-format",
  "stream-json",
  "--verbose",
];

/**
 * Creates the agent that runs Claude Code, one process for each story: headless, or with `pty` in a
 * terminal. Both take messages and can be interrupted while they run.
 *
 * With `yolo` it runs with `--dangerously-skip-permissions`; otherwise edits are accepted and other
 * tools are limited to `allowedTools`, and the result lists what was refused. The user's hooks and
 * plugins are not used; the project's settings are.
 *
 * @example Usage
 * ```ts
 * import { createClaude } from "@ralph/cli";
 *
 * const claude = createClaude({ allowedTools: ["Bash(git:*)", "Bash(deno task:*)"] });
 * const availability = await claude.probe({ env: { PATH: "/usr/local/bin" } });
 * ```
 *
 * @returns The agent, named `claude`.
 */
export function createClaude(options: ClaudeOptions = {}): Agent {
  const { program = "claude", patterns = [], pty = false, now = Date.now } = options;
  let hasWorked = false;
  return {
    name: "claude",
    pty,
    probe: (probe) =>
      probeProgram(program, { ...probe, hint: "npm install -g @anthropic-ai/claude-code" }),
    start(start) {
      if (pty) return startClaudePty(options, start);
      const state = newClaudeState(start.cwd);
      const settings = claudeSettings(start, options);
      const args = [...HEADLESS, ...settings.args, ...claudeArguments(options, start)];
      return runAgentProcess([program, ...args], {
        cwd: start.cwd,
        env: start.env,
        stdin: claudeMessageLine(start.prompt),
        setUp: settings.write,
        cleanUp: settings.remove,
        conversation: claudeConversation(state),
        parse: (line, stream) =>
          stream === "stdout"
            ? parseClaudeEvent(line, state)
            : [{ kind: "output", stream, line: cutText(line) }],
        hopeless: () => claudeHopeless(state),
        classify: (facts) =>
          state.interrupted ? { ...CLAUDE_INTERRUPTED } : classify(facts, state.report),
        onOutput: start.onOutput,
        signal: start.signal,
      });
    },
  };

  function classify(facts: EndingFacts, report: AgentReport | undefined) {
    // Without a result it did not finish, even with exit code 0.
    const failure = report || facts.exitCode !== 0
      ? undefined
      : "Claude Code ended without a result";
    const ending = classifyEnding(facts, {
      patterns,
      hasWorked,
      now: now(),
      report,
      succeeded: report === undefined ? false : undefined,
      failure,
    });
    hasWorked ||= ending.kind === "ok" || ending.kind === "denied";
    return ending;
  }
}
