import type { TerminalStream } from "../../lib/ui/live/live_view.ts";

/**
 * A terminal as a live view needs it: a screen with scrollback, wrapped lines
 * that are wrapped anew when the width changes, and a switchable write result.
 */
export class FakeTerminal implements TerminalStream {
  readonly isTTY = true;
  /** Everything that was written, one entry a call. */
  readonly writes: string[] = [];
  /** Whether the cursor is visible. */
  cursorVisible = true;
  /** What write() returns. */
  ready = true;
  /** Logical lines from the oldest; `wrapped` ones go on in the next. */
  #lines: { text: string; wrapped: boolean }[] = [{ text: "", wrapped: false }];
  #row = 0;
  #column = 0;
  #top = 0;
  #wrap = true;
  readonly #listeners = new Map<string, Set<() => void>>();

  constructor(public columns: number, public rows: number) {}

  on(event: string, listener: () => void): void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener));
  }

  off(event: string, listener: () => void): void {
    this.#listeners.get(event)?.delete(listener);
  }

  /** How many listeners there are. */
  get listeners(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  emit(event: "resize" | "drain"): void {
    for (const listener of this.#listeners.get(event) ?? []) listener();
  }

  /** Everything from the oldest line of the scrollback, without empty lines at the end. */
  get text(): string[] {
    const lines = this.#lines.map(({ text }) => text.trimEnd());
    while (lines.length > 0 && lines[lines.length - 1] === "") lines.pop();
    return lines;
  }

  /** Changes the size as terminals do that wrap lines anew. */
  resize(columns: number, rows: number): void {
    const lines: { text: string; wrapped: boolean }[] = [];
    let row = 0;
    let long = "";
    this.#lines.forEach((line, index) => {
      if (index === this.#row) row = lines.length;
      long += line.text;
      if (line.wrapped) return;
      const text = long.trimEnd();
      for (let at = 0; at === 0 || at < text.length; at += columns) {
        const wrapped = at + columns < text.length;
        lines.push({ text: text.slice(at, at + columns), wrapped });
      }
      long = "";
    });
    this.columns = columns;
    this.rows = rows;
    this.#lines = lines;
    this.#row = row;
    this.#top = Math.max(0, lines.length - rows);
    this.emit("resize");
  }

  write(text: string): boolean {
    this.writes.push(text);
    // deno-lint-ignore no-control-regex
    for (const [token] of text.matchAll(/\x1b\[([?\d;]*)([A-Za-z])|[^]/gu)) this.#act(token);
    return this.ready;
  }

  #act(token: string): void {
    if (token === "\r") this.#column = 0;
    else if (token === "\n") this.#down();
    else if (token === "\x1b[?25l") this.cursorVisible = false;
    else if (token === "\x1b[?25h") this.cursorVisible = true;
    else if (token === "\x1b[?7l") this.#wrap = false;
    else if (token === "\x1b[?7h") this.#wrap = true;
    else if (token.startsWith("\x1b[?2026") || isCsi(token, "m")) return;
    else if (token === "\x1b[K") this.#set(this.#line().slice(0, this.#column));
    else if (token === "\x1b[J") {
      this.#set(this.#line().slice(0, this.#column));
      this.#lines.length = this.#row + 1;
    } else if (isCsi(token, "A")) {
      const count = Number(token.slice(2, -1) || 1);
      this.#row = Math.max(this.#top, this.#row - count);
    } else if (token < " " || token.startsWith("\x1b")) {
      throw new Error(`Cannot act on ${JSON.stringify(token)}`);
    } else this.#put(token);
  }

  #put(char: string): void {
    if (this.#column >= this.columns) {
      if (!this.#wrap) this.#column = this.columns - 1;
      else {
        const line = this.#lines[this.#row];
        if (line !== undefined) line.wrapped = true;
        this.#down();
        this.#column = 0;
      }
    }
    const line = this.#line().padEnd(this.#column);
    this.#set(line.slice(0, this.#column) + char + line.slice(this.#column + 1));
    this.#column++;
  }

  #down(): void {
    this.#row++;
    while (this.#lines.length <= this.#row) this.#lines.push({ text: "", wrapped: false });
    this.#top = Math.max(this.#top, this.#row - this.rows + 1);
  }

  #line(): string {
    return this.#lines[this.#row]?.text ?? "";
  }

  #set(text: string): void {
    this.#lines[this.#row] = { text, wrapped: false };
  }
}

function isCsi(token: string, final: string): boolean {
  return token.startsWith("\x1b[") && token.endsWith(final) && /^\d*$/.test(token.slice(2, -1));
}

/** A clock whose timers run when the test advances it. */
export class FakeClock {
  #timers: { at: number; run: () => void }[] = [];

  constructor(public time: number) {}

  readonly now = (): number => this.time;

  readonly schedule = (run: () => void, delayMs: number): () => void => {
    const timer = { at: this.time + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  };

  /** How many timers are pending. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Advances the time, and runs every due timer, each at its time. */
  advance(ms: number): void {
    const end = this.time + ms;
    for (;;) {
      const next = this.#timers.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#timers = this.#timers.filter((one) => one !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
    }
    this.time = end;
  }
}
