import process from "node:process";
import { SIGNAL_EXIT_CODES, type StopSignal } from "../kit/usage.ts";
import type { LoopControl } from "../../loop/loop_control.ts";

/**
 * The first and the second SIGINT of this process, as abort signals. Until it is disposed of,
 * SIGINT does not end the process.
 */
export class Interrupts implements Disposable {
  readonly #controllers = [new AbortController(), new AbortController()];

  /** Starts to listen. */
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

  /** Restores the default handling of SIGINT. */
  [Symbol.dispose](): void {
    process.off("SIGINT", this.#onInterrupt);
  }

  /** Counts one more: while the terminal is read key by key, Ctrl-C does not send a signal. */
  press(): void {
    this.#controllers.find(({ signal }) => !signal.aborted)?.abort();
  }

  readonly #onInterrupt = (): void => this.press();

  #signal(index: number): AbortSignal {
    return (this.#controllers[index] ?? new AbortController()).signal;
  }
}

/** The signals that end a command which would otherwise run forever. */
export interface Interruption extends Disposable {
  /** Aborted by SIGINT, SIGTERM and SIGHUP. */
  readonly signal: AbortSignal;
  /**
   * 0, even after Ctrl-C, which is the normal way to end such a command; else the signal's exit
   * code.
   */
  readonly exitCode: number;
}

/**
 * Waits for Ctrl-C and similar signals, until it is disposed of.
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
 * Stops a loop when this process is asked to end, and lets it write its last events. A second
 * Ctrl-C ends the process at once. Dispose of it to restore the default handling.
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
