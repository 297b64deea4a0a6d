import type { IBufferLine, Terminal } from "@xterm/headless";
import { cutText } from "../../base/cut_text.ts";

/** Options for {@linkcode openScreen}. */
export interface ScreenOptions {
  /** The width in characters. */
  columns: number;
  /** The height in lines. */
  rows: number;
  /** Takes what the terminal answers when the program asks it something. */
  onAnswer: (data: string) => void;
  /** Takes each line that is complete, as plain text; not while a program draws full screens. */
  onLine?: (line: string) => void;
}

/** A terminal without a window: it keeps what a program has drawn. */
export interface Screen {
  /** Draws, and calls back when it is done. */
  write(data: string, done: () => void): void;
  /** Changes the size. */
  resize(columns: number, rows: number): void;
  /** What makes an empty terminal look like this one. */
  serialize(): string;
  /** Whether the program wants to know what is pasted and what is typed. */
  readonly bracketedPaste: boolean;
  /** The line that has been begun: the last words of a program that did not end its line. */
  readonly lastLine: string;
  /** What it shows, as plain text, without empty lines. */
  readonly lines: string[];
}

/** A line that is wrapped can go on above the screen. */
const SCROLLBACK = 200;

/**
 * Makes a terminal without a window.
 *
 * @param options Its size and who hears of it.
 * @returns The terminal.
 */
export async function openScreen(options: ScreenOptions): Promise<Screen> {
  // Only a run with a PTY pays for loading them.
  const [headless, addon] = await Promise.all([
    import("@xterm/headless"),
    import("@xterm/addon-serialize"),
  ]);
  const terminal = new headless.default.Terminal({
    cols: options.columns,
    rows: options.rows,
    scrollback: SCROLLBACK,
    allowProposedApi: true,
  });
  const serializer = new addon.default.SerializeAddon();
  terminal.loadAddon(serializer);
  terminal.onData(options.onAnswer);
  const { onLine } = options;
  if (onLine !== undefined) {
    terminal.onLineFeed(() => {
      const { active } = terminal.buffer;
      // The cursor is on the next line already.
      if (active.type === "normal") onLine(lineAt(terminal, active.baseY + active.cursorY - 1));
    });
  }
  return {
    write: (data, done) => terminal.write(data, done),
    resize: (columns, rows) => terminal.resize(columns, rows),
    serialize: () => serializer.serialize({ scrollback: 0 }),
    get bracketedPaste() {
      return terminal.modes.bracketedPasteMode;
    },
    get lastLine() {
      const { active } = terminal.buffer;
      if (active.type !== "normal") return "";
      return lineAt(terminal, active.baseY + active.cursorY);
    },
    get lines() {
      const { active } = terminal.buffer;
      const rows = Array.from({ length: terminal.rows }, (_, row) => active.baseY + row);
      const texts = rows.map((row) => active.getLine(row)?.translateToString(true) ?? "");
      return texts.filter((text) => text.trim() !== "").map((text) => cutText(text));
    },
  };
}

/** The text of a line and of those that it was wrapped from. */
function lineAt(terminal: Terminal, row: number): string {
  const { active } = terminal.buffer;
  const parts: string[] = [];
  for (let at = row; at >= 0; at--) {
    const line: IBufferLine | undefined = active.getLine(at);
    if (line === undefined) break;
    parts.unshift(line.translateToString(parts.length === 0));
    if (!line.isWrapped) break;
  }
  return cutText(parts.join(""));
}
