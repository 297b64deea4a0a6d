import { notificationLine } from "../protocol/messages.ts";
import type { RpcStateChange } from "../protocol/protocol.ts";

/** Text and when it came, ISO 8601 in UTC. */
interface Timed {
  text: string;
  time: string;
}

/**
 * What happened since the last delivery, without events. Protocol lines are built when the first
 * client wants them, and once for all clients.
 */
export class Delivery {
  readonly #lines: Timed[] = [];
  readonly #printed: Timed[] = [];
  #output: string | undefined;
  #screen: string | undefined;
  #size = 0;

  /** What has changed in the state of the loop. */
  readonly change: RpcStateChange = {};
  /** Whether the terminal was replaced and has to be painted again. */
  repaint = false;

  /** How much text is waiting, in characters. */
  get size(): number {
    return this.#size;
  }

  /** Whether there is output. */
  get hasOutput(): boolean {
    return this.#lines.length > 0;
  }

  /** Whether something was printed on the terminal. */
  get hasScreen(): boolean {
    return this.#printed.length > 0;
  }

  /** The output, as lines of the protocol. */
  get output(): string {
    return this.#output ??= this.#lines
      .map(({ text, time }) => notificationLine("output", { line: text }, time)).join("");
  }

  /** What was printed on the terminal, as lines of the protocol. */
  get screen(): string {
    return this.#screen ??= this.#printed
      .map(({ text, time }) => notificationLine("screen", { data: text }, time)).join("");
  }

  /**
   * Adds lines of output.
   *
   * @param lines The lines, without their ends.
   * @param time When they came, ISO 8601 in UTC.
   */
  addOutput(lines: readonly string[], time: string): void {
    for (const text of lines) {
      this.#lines.push({ text, time });
      this.#size += text.length;
    }
  }

  /**
   * Adds what was printed on the terminal.
   *
   * @param time When, ISO 8601 in UTC.
   */
  addScreen(text: string, time: string): void {
    this.#printed.push({ text, time });
    this.#size += text.length;
  }
}
