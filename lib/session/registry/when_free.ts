import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "../../base/lock.ts";

/** Options for {@linkcode whenFree}. */
export interface WhenFreeOptions {
  /** Receives, once, that another process has the registry locked. */
  onWarning?: ((message: string) => void) | undefined;
  /** How long to keep trying, in milliseconds. @default {600_000} */
  timeoutMs?: number | undefined;
}

/** What people are told while the registry is locked. */
export const LOCKED = "Another process has sessions.db locked: waiting for it";

const PAUSE_MS = 250;

/**
 * Does something with the registry as soon as no other process has it locked: what is at stake is
 * the work of a night, and a backup or a slow disk may hold the lock for minutes.
 *
 * @throws What `action` throws, if it is not the lock, or the lock is still there at the end.
 */
export async function whenFree<T>(action: () => T, options: WhenFreeOptions = {}): Promise<T> {
  const { onWarning, timeoutMs = 600_000 } = options;
  const deadline = performance.now() + timeoutMs;
  for (let tries = 0;; tries++) {
    try {
      return action();
    } catch (error) {
      if (!isBusy(error) || performance.now() > deadline) throw error;
    }
    if (tries === 0) onWarning?.(LOCKED);
    await delay(PAUSE_MS);
  }
}
