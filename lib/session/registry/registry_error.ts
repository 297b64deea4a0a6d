/** The registry was written by a newer ralph, and is left as it is: update ralph. */
export class RegistryVersionError extends Error {
  /** The file. */
  readonly path: string;
  /** Its version. */
  readonly version: number;
  /** The newest version that this ralph knows. */
  readonly supported: number;

  /**
   * Makes the error.
   *
   * @param path The file.
   * @param version Its version.
   * @param supported The newest version that this ralph knows.
   */
  constructor(path: string, version: number, supported: number) {
    super(
      `Cannot open the registry "${path}": a newer ralph wrote it (version ${version}, and this one knows up to version ${supported}): update ralph`,
    );
    this.name = "RegistryVersionError";
    this.path = path;
    this.version = version;
    this.supported = supported;
  }
}

/** The file in the registry's place is none, and is left as it is. */
export class RegistryFormatError extends Error {
  /** The file. */
  readonly path: string;

  /**
   * Makes the error.
   *
   * @param path The file.
   * @param detail What is wrong with it.
   * @param options The error behind this one.
   */
  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`Cannot open the registry "${path}": ${detail}`, options);
    this.name = "RegistryFormatError";
    this.path = path;
  }
}

/**
 * Says of an error of SQLite or the file system which file it is about.
 *
 * @param error What was thrown.
 * @param path The file.
 * @returns The error to throw instead: a {@linkcode RegistryFormatError} if the file itself is
 * broken; the same one if it says all that is needed.
 */
export function asRegistryError(error: unknown, path: string): unknown {
  if (!(error instanceof Error)) return error;
  const { code, errcode } = error as { code?: unknown; errcode?: unknown };
  const cause = { cause: error };
  if (code === "EISDIR") return new RegistryFormatError(path, "it is a folder", cause);
  if (code !== "ERR_SQLITE_ERROR") return error;
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  return errcode === 11 || errcode === 26
    ? new RegistryFormatError(path, error.message, cause)
    : new Error(`Cannot open the registry "${path}": ${error.message}`, cause);
}

/** There is no session with this id. */
export class SessionNotFoundError extends Error {
  /** The id. */
  readonly id: string;

  /**
   * Makes the error.
   *
   * @param id The id.
   */
  constructor(id: string) {
    super(`Cannot find session "${id}": the registry has no such session`);
    this.name = "SessionNotFoundError";
    this.id = id;
  }
}
