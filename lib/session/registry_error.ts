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
 * Makes a {@linkcode RegistryFormatError} of SQLite's word that a file is broken.
 *
 * @param error What was thrown.
 * @param path The file.
 * @returns The error to throw instead; the same one if it says something else.
 */
export function asFormatError(error: unknown, path: string): unknown {
  const { errcode, message } = error as { errcode?: unknown; message?: string };
  // SQLITE_CORRUPT and SQLITE_NOTADB.
  return errcode === 11 || errcode === 26
    ? new RegistryFormatError(path, message ?? "it is broken", { cause: error })
    : error;
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
