import type { LoopOutcome } from "../loop/loop_event.ts";

/** What a signal that stops a run makes of its exit code: 128 and the signal's number. */
export const SIGNAL_EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A signal that stops a run. */
export type StopSignal = keyof typeof SIGNAL_EXIT_CODES;

/**
 * Says with which code a run exits.
 *
 * @param outcome How the loop ended.
 * @param signal The signal that stopped it, if one did. @default {SIGINT}
 * @returns The exit code.
 */
export function exitCodeOf(outcome: LoopOutcome, signal: StopSignal = "SIGINT"): number {
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
      return SIGNAL_EXIT_CODES[signal];
  }
}
