import type { AgentStartOptions } from "./agent.ts";
import type { ClaudeOptions } from "./claude.ts";

/** What Claude may do without `yolo` besides editing: look at the repository, and commit. */
export const DEFAULT_ALLOWED_TOOLS: readonly string[] = [
  "Bash(git status:*)",
  "Bash(git diff:*)",
  "Bash(git log:*)",
  "Bash(git add:*)",
  "Bash(git commit:*)",
];

/**
 * Lists the arguments of Claude Code that do not depend on how it is talked to: the model and what
 * it may do.
 *
 * @param options The options of the agent.
 * @param start What it is started with.
 * @returns The arguments; the last may take further values, so that an operand needs a `--` first.
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
