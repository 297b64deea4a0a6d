import type { AgentStartOptions } from "../agent.ts";
import type { EndingPattern } from "../ending/classify_ending.ts";

/** What Claude may do without `yolo` besides editing: look at the repository, and commit. */
export const DEFAULT_ALLOWED_TOOLS: readonly string[] = [
  "Bash(git status:*)",
  "Bash(git diff:*)",
  "Bash(git log:*)",
  "Bash(git add:*)",
  "Bash(git commit:*)",
];

/**
 * The arguments of Claude Code that are the same headless and in a PTY: the model and what it may
 * do.
 *
 * @param options The options of the agent.
 * @param start The options of the start.
 * @returns The arguments; the last option takes several values, so an operand must follow a `--`.
 */
export function claudeArguments(
  options: Pick<ClaudeOptions, "args" | "allowedTools">,
  start: Pick<AgentStartOptions, "model" | "yolo">,
): string[] {
  const { args = [], allowedTools = DEFAULT_ALLOWED_TOOLS } = options;
  const permissions = start.yolo
    ? ["--dangerously-skip-permissions"]
    : ["--permission-mode", "acceptEdits"];
  // PRDs name models as provider/model, Claude Code without the provider.
  const model = start.model?.replace(/^anthropic\//, "");
  return [
    ...(model === undefined ? [] : ["--model", model]),
    ...permissions,
    ...args,
    ...(start.yolo || allowedTools.length === 0 ? [] : ["--allowedTools", ...allowedTools]),
  ];
}

/** Options for {@linkcode createClaude}. */
export interface ClaudeOptions {
  /** The program: a name on PATH or a path. @default {"claude"} */
  program?: string | undefined;
  /**
   * Further arguments. With `["--setting-sources", "user,project,local"]` the user's own hooks and
   * plugins are also in use. @default {[]}
   */
  args?: string[] | undefined;
  /**
   * What it may do without `yolo`, in addition to editing files, in Claude Code's notation, such as
   * `Bash(deno task test:*)`. With an empty list it may only edit.
   * @default {DEFAULT_ALLOWED_TOOLS}
   */
  allowedTools?: string[] | undefined;
  /** Patterns that recognize endings, tried before the built-in ones. @default {[]} */
  patterns?: readonly EndingPattern[] | undefined;
  /** Whether it runs in a PTY, as the interactive program. @default {false} */
  pty?: boolean | undefined;
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}
