/** Thrown if a newer ralph wrote the registry, which is not changed. */
export class RegistryVersionError extends Error {
  /** The file. */
  readonly path: string;
  /** Its version. */
  readonly version: number;
  /** The newest version that this ralph knows. */
  readonly supported: number;

  /** `supported` is the newest version that this ralph knows. */
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

/** Thrown if the file is not a registry; it is not changed. */
export class RegistryFormatError extends Error {
  /** The file. */
  readonly path: string;

  /** `detail` is what is wrong with the file. */
  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`Cannot open the registry "${path}": ${detail}`, options);
    this.name = "RegistryFormatError";
    this.path = path;
  }
}

/**
 * Adds the path to an error of SQLite or the file system.
 *
 * @returns The error to throw instead: a {@linkcode RegistryFormatError} if the file itself is
 * broken; the same error if it already has the path.
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

/** Thrown if there is no session with this id. */
export class SessionNotFoundError extends Error {
  /** The id. */
  readonly id: string;

  /** The message names the id. */
  constructor(id: string) {
    super(`Cannot find session "${id}": the registry has no such session`);
    this.name = "SessionNotFoundError";
    this.id = id;
  }
}
