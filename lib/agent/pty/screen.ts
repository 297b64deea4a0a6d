import type { IBufferLine, Terminal } from "@xterm/headless";
import { cutText } from "../../base/cut_text.ts";
import { loadPtyPackages } from "./pty_packages.ts";

/** Options for {@linkcode openScreen}. */
export interface ScreenOptions {
  /** The width in characters. */
  columns: number;
  /** The height in lines. */
  rows: number;
  /** Called with the terminal's answer when the program queries it. */
  onAnswer: (data: string) => void;
  /**
   * Called with each complete line, as plain text; not while a program uses the alternate screen.
   */
  onLine?: ((line: string) => void) | undefined;
}

/** A headless terminal that keeps what a program has drawn. */
export interface Screen {
  /** Draws the data, and calls back when it is done. */
  write(data: string, done: () => void): void;
  /** Changes the size. */
  resize(columns: number, rows: number): void;
  /** Text and escape sequences that reproduce this screen in an empty terminal. */
  serialize(): string;
  /** Whether the program distinguishes pasted text from typed text (bracketed paste). */
  readonly bracketedPaste: boolean;
  /** The unfinished last line: output without a line end. */
  readonly lastLine: string;
  /** The text on it, without empty lines. */
  readonly lines: string[];
}

/** A wrapped line can extend above the screen. */
const SCROLLBACK = 200;

/**
 * Creates a headless terminal.
 *
 * @param options Its size and its callbacks.
 */
export async function openScreen(options: ScreenOptions): Promise<Screen> {
  const { Terminal, SerializeAddon } = await loadPtyPackages();
  const terminal = new Terminal({
    cols: options.columns,
    rows: options.rows,
    scrollback: SCROLLBACK,
    allowProposedApi: true,
  });
  const serializer = new SerializeAddon();
  terminal.loadAddon(serializer);
  terminal.onData(options.onAnswer);
  const { onLine } = options;
  if (onLine !== undefined) {
    terminal.onLineFeed(() => {
      const { active } = terminal.buffer;
      // The cursor is already on the next line.
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

/** The text of a line, including the lines that it was wrapped from. */
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
