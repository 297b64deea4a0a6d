import type { LoopResult } from "../../event/loop_event.ts";

/** Thrown for an invalid command line: exit code 2. */
export class UsageError extends Error {
  /** What to do about it; absent if the message says enough. */
  readonly hint?: string | undefined;

  /** Says what is wrong, and what to do about it. */
  constructor(message: string, hint?: string) {
    super(message);
    this.name = "UsageError";
    this.hint = hint;
  }
}

/** The exit code of a run that was stopped by a signal: 128 and the signal's number. */
export const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that stops a run. */
export type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/**
 * The exit code of a run. A loop that was stopped by a signal has its name as the exit reason.
 */
export function exitCodeOf({ outcome, reason }: LoopResult): number {
  switch (outcome) {
    case "completed":
      return 0;
    case "failed":
    case "stagnated":
      return 1;
    case "limit":
      return 3;
    case "blocked":
      return 4;
    case "stopped":
    case "checkpointed":
      return isStopSignal(reason) ? SIGNAL_EXIT_CODES[reason] : SIGNAL_EXIT_CODES.SIGINT;
  }
}

function isStopSignal(reason: string): reason is StopSignal {
  return Object.hasOwn(SIGNAL_EXIT_CODES, reason);
}
