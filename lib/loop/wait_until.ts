/** Options for {@linkcode waitUntil}. */
interface WaitUntilOptions {
  /** Ends the wait early, without an error. */
  wake: AbortSignal;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/** Timers stop while a machine sleeps: the clock is checked again after at most this long. */
const LOOK_AGAIN_MS = 30_000;

/**
 * Waits until a given time, even if the machine sleeps in between.
 *
 * @param until The time, in milliseconds since the epoch.
 * @returns Whether the wait was ended early.
 */
export async function waitUntil(until: number, options: WaitUntilOptions): Promise<boolean> {
  const { wake, now = Date.now } = options;
  while (!wake.aborted) {
    const left = until - now();
    if (left <= 0) return false;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        wake.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(left, LOOK_AGAIN_MS));
      wake.addEventListener("abort", done, { once: true });
    });
  }
  return true;
}
