import process from "node:process";
import type { LoopControl } from "../loop/loop_control.ts";
import { SIGNAL_EXIT_CODES, type StopSignal } from "./exit_code.ts";

/**
 * Stops a loop when this process is asked to end, and lets it say its last word. A
 * second Ctrl-C ends the process at once.
 *
 * @param control The loop's control.
 * @returns Dispose of it to leave the signals alone again.
 */
export function stopOnSignals(control: LoopControl): Disposable {
  const names = Object.keys(SIGNAL_EXIT_CODES) as StopSignal[];
  const listeners = names.map((name) => {
    const listener = (): void => {
      if (control.request?.kind === "stop" && name === "SIGINT") {
        process.exit(SIGNAL_EXIT_CODES[name]);
      }
      control.requestStop(name);
    };
    process.on(name, listener);
    return { name, listener };
  });
  return {
    [Symbol.dispose](): void {
      for (const { name, listener } of listeners) process.off(name, listener);
    },
  };
}
