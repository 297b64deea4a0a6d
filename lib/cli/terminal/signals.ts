import process from "node:process";
import { SIGNAL_EXIT_CODES, type StopSignal } from "../kit/usage.ts";
import type { LoopControl } from "../../loop/loop_control.ts";

/**
 * The first and the second SIGINT of this process, as signals that abort. As long as
 * it is not disposed of, SIGINT does not end the process.
 */
export class Interrupts implements Disposable {
  readonly #controllers = [new AbortController(), new AbortController()];

  /** Begins to listen. */
  constructor() {
    process.on("SIGINT", this.#onInterrupt);
  }

  /** Aborted by the first. */
  get first(): AbortSignal {
    return this.#signal(0);
  }

  /** Aborted by the second. */
  get second(): AbortSignal {
    return this.#signal(1);
  }

  /** Leaves SIGINT alone again. */
  [Symbol.dispose](): void {
    process.off("SIGINT", this.#onInterrupt);
  }

  /** Counts one more: where the terminal is read key by key, Ctrl-C is no signal. */
  press(): void {
    this.#controllers.find(({ signal }) => !signal.aborted)?.abort();
  }

  readonly #onInterrupt = (): void => this.press();

  #signal(index: number): AbortSignal {
    return (this.#controllers[index] ?? new AbortController()).signal;
  }
}

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
