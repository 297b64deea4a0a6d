/** SQLITE_BUSY: another connection has the lock. */
const BUSY = 5;

/**
 * Says whether SQLite failed because another connection has a lock.
 *
 * @param error What was thrown.
 * @returns Whether trying again may help.
 */
export function isBusy(error: unknown): boolean {
  const { errcode, code, message } = error as {
    errcode?: unknown;
    code?: unknown;
    message?: unknown;
  };
  // Deno 2.9 gives no errcode, only SQLite's words.
  return errcode === BUSY || (code === "ERR_SQLITE_ERROR" && message === "database is locked");
}
