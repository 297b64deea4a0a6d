import { shellWord } from "../../base/shell_word.ts";

/** Thrown when a task would run commands that nobody has allowed: exit code 5. */
export class NotTrustedError extends Error {
  /** The commands, a line each. */
  readonly details: readonly string[];
  /** The command that allows them. */
  readonly hint: string;

  constructor(task: string, reason: string, details: readonly string[]) {
    super(`Cannot run ${task}: ${reason}`);
    this.name = "NotTrustedError";
    this.details = details;
    this.hint = `ralph trust ${shellWord(task)}`;
  }
}
