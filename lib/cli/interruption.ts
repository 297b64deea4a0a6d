import process from "node:process";
import { SIGNAL_EXIT_CODES, type StopSignal } from "./exit_code.ts";

/** A person or the system ending a command that would go on for ever. */
export interface Interruption extends Disposable {
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /** The exit code: 0, also after Ctrl-C, which is how such a command ends; else that of the signal. */
  readonly exitCode: number;
}

/**
 * Waits for Ctrl-C and the like, until it is disposed of.
 *
 * @returns The signal to give to whatever goes on.
 */
export function onInterruption(): Interruption {
  const controller = new AbortController();
  let exitCode = 0;
  const names = Object.keys(SIGNAL_EXIT_CODES) as StopSignal[];
  const listeners = names.map((name) => {
    const listener = () => {
      if (name !== "SIGINT") exitCode ||= SIGNAL_EXIT_CODES[name];
      controller.abort();
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    [Symbol.dispose]() {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
