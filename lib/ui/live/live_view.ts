import process from "node:process";
import type { LoopEvent } from "../../event/loop_event.ts";
import { reduceView } from "./reduce_view.ts";
import { type KeyHint, renderView } from "./render_view.ts";
import { screenUpdate } from "./screen_update.ts";
import { initialView, type ViewState } from "./view_state.ts";

/** The part of a terminal stream that a {@linkcode LiveView} needs; `process.stdout` is one. */
export interface TerminalStream {
  /** Whether it is a terminal. */
  readonly isTTY?: boolean | undefined;
  /** Its columns; 80 are assumed if unknown. */
  readonly columns?: number | undefined;
  /** Its rows; 24 are assumed if unknown. */
  readonly rows?: number | undefined;
  /** Writes text; `false` asks the writer to wait for `drain`. */
  write(text: string): boolean;
  /** Listens for a new size, or for room to write more. */
  on(event: "resize" | "drain", listener: () => void): unknown;
  /** Stops listening. */
  off(event: "resize" | "drain", listener: () => void): unknown;
}

/** Options for {@linkcode LiveView}. */
export interface LiveViewOptions {
  /** Whether to use colour. @default {false} */
  color?: boolean | undefined;
  /** Keys to show in the last line. @default {none} */
  keys?: readonly KeyHint[] | undefined;
  /** The time zone in which clock times are shown. @default {the system's} */
  timeZone?: string | undefined;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
  /** Runs a function later; the returned function cancels that. @default {with setTimeout} */
  schedule?: ((run: () => void, delayMs: number) => () => void) | undefined;
}

/** The least time between two frames, in milliseconds: at most 20 frames a second. */
const FRAME_MS = 50;
const TICK_MS = 1000;
const SHOW_CURSOR = "\x1b[?25h";
const HIDE_CURSOR = "\x1b[?25l";

/**
 * Shows a loop on a terminal while it runs, below everything printed before.
 *
 * Write every event to it. It redraws the lines that changed, at most 20 times a second; a clock
 * ticks once a second while the loop runs, and otherwise nothing wakes up. A terminal that cannot
 * keep up misses frames and never blocks the loop. Disposing of it leaves the final list of stories
 * on the terminal and restores the cursor.
 *
 * @example Usage
 * ```ts
 * import process from "node:process";
 * import { type LoopEvent } from "@ralph/cli";
 * import { LiveView } from "./live_view.ts";
 *
 * async function show(events: AsyncIterable<LoopEvent>): Promise<void> {
 *   await using view = new LiveView(process.stdout, { color: true });
 *   for await (const event of events) view.write(event);
 * }
 * ```
 */
export class LiveView implements AsyncDisposable {
  readonly #stream: TerminalStream;
  readonly #options: LiveViewOptions;
  readonly #now: () => number;
  readonly #schedule: (run: () => void, delayMs: number) => () => void;
  #state = initialView();
  #lines: string[] = [];
  #drawn = false;
  #dirty = false;
  #drawnSize = { width: 0, rows: 0 };
  #stuck = false;
  #closed = false;
  #lastFrame = -Infinity;
  #cancel: (() => void) | undefined;

  /**
   * Does not draw before the first event.
   *
   * @throws {TypeError} If the stream is not a terminal.
   */
  constructor(stream: TerminalStream, options: LiveViewOptions = {}) {
    if (!stream.isTTY) throw new TypeError("Cannot draw a live view: the stream is not a terminal");
    this.#stream = stream;
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#schedule = options.schedule ?? later;
    stream.on("resize", this.#onResize);
    stream.on("drain", this.#onDrain);
    // The last resort if nobody disposes of it: process.exit() in the middle of a run.
    process.on("exit", this.#restore);
  }

  /** The state that is shown; {@linkcode renderSummary} reads its checks. */
  get state(): ViewState {
    return this.#state;
  }

  /** Adds an event. Ignored after the view was disposed of. */
  write(event: LoopEvent): void {
    if (this.#closed) return;
    this.#state = reduceView(this.#state, event);
    this.#dirty = true;
    this.#plan();
  }

  /** Leaves the final list of stories on the terminal, and restores the cursor. */
  [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    this.#cancel?.();
    this.#stream.off("resize", this.#onResize);
    this.#stream.off("drain", this.#onDrain);
    process.off("exit", this.#restore);
    if (this.#drawn) {
      const { keys: _, ...options } = this.#options;
      const { width } = this.#size();
      const { waiting: _waiting, ...state } = this.#state;
      const lines = renderView(state, {
        ...options,
        columns: width,
        rows: Infinity,
        now: this.#now(),
      });
      const update = screenUpdate(this.#lines, lines, { width, resized: this.#resized() });
      this.#stream.write(`${update}\r\n${SHOW_CURSOR}`);
    }
    return Promise.resolve();
  }

  /** Draws now if a frame is due, and schedules the next one. */
  #plan(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    if (this.#closed || this.#stuck) return;
    const now = this.#now();
    // A clock that jumped back must not stop the frames.
    const since = now < this.#lastFrame ? FRAME_MS : now - this.#lastFrame;
    if (this.#dirty && since >= FRAME_MS) this.#draw(now);
    if (this.#stuck) return;
    if (this.#dirty) this.#cancel = this.#schedule(() => this.#plan(), FRAME_MS - since);
    else if (this.#ticking()) {
      const elapsed = Math.max(0, now - (this.#state.startedAt ?? now));
      const delay = TICK_MS - elapsed % TICK_MS;
      this.#cancel = this.#schedule(() => {
        this.#dirty = true;
        this.#plan();
      }, delay);
    }
  }

  #size(): { width: number; rows: number } {
    // Pseudo-terminals whose size was never set report 0.
    return { width: this.#stream.columns || 80, rows: this.#stream.rows || 24 };
  }

  /** Compares the stream's size itself, which may change before its event arrives. */
  #resized(): boolean {
    const { width, rows } = this.#size();
    return width !== this.#drawnSize.width || rows !== this.#drawnSize.rows;
  }

  #ticking(): boolean {
    return this.#state.startedAt !== undefined && this.#state.result === undefined;
  }

  #draw(now: number): void {
    const { width, rows } = this.#size();
    const lines = renderView(this.#state, {
      ...this.#options,
      columns: width,
      rows: rows - 1,
      now,
    });
    const update = screenUpdate(this.#lines, lines, { width, resized: this.#resized() });
    this.#dirty = false;
    this.#lastFrame = now;
    this.#lines = lines;
    this.#drawnSize = { width, rows };
    if (update === "") return;
    this.#stuck = !this.#stream.write(this.#drawn ? update : HIDE_CURSOR + update);
    this.#drawn = true;
  }

  readonly #onResize = (): void => {
    this.#dirty = this.#drawn;
    this.#plan();
  };

  readonly #onDrain = (): void => {
    this.#stuck = false;
    this.#plan();
  };

  readonly #restore = (): void => {
    if (this.#drawn) this.#stream.write(`\r\n${SHOW_CURSOR}`);
  };
}

function later(run: () => void, delayMs: number): () => void {
  const timer = setTimeout(run, delayMs);
  return () => clearTimeout(timer);
}
