/** Where in a file a {@linkcode PrdError} is. */
export interface PrdErrorOptions {
  /** The file, as messages name it. */
  file: string;
  /** The line, from 1. */
  line?: number | undefined;
  /** The column, from 1, in UTF-16 code units. */
  column?: number | undefined;
  /** The JSON path, such as `userStories[3].priority`. */
  path?: string | undefined;
  /** What caused it. */
  cause?: unknown;
}

/** A prd.json that cannot be read, or cannot be changed as asked. */
export class PrdError extends Error {
  /** The file, as the message names it. */
  readonly file: string;
  /** The line, from 1; absent where there is none. */
  readonly line?: number;
  /** The column, from 1, in UTF-16 code units; absent where there is none. */
  readonly column?: number;
  /** The JSON path, such as `userStories[3].priority`; absent where there is none. */
  readonly path?: string;

  /**
   * Makes the error.
   *
   * @param message The whole message, the file's name included.
   * @param options Where it is.
   */
  constructor(message: string, options: PrdErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "PrdError";
    this.file = options.file;
    if (options.line !== undefined) this.line = options.line;
    if (options.column !== undefined) this.column = options.column;
    if (options.path !== undefined) this.path = options.path;
  }
}
