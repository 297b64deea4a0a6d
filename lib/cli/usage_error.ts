/** Thrown for a command line that cannot be understood: exit code 2. */
export class UsageError extends Error {
  /** What to do about it; absent if the message says it all. */
  readonly hint?: string;

  /**
   * Makes the error.
   *
   * @param message What is wrong.
   * @param hint What to do about it.
   */
  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    if (hint !== undefined) this.hint = hint;
  }
}
