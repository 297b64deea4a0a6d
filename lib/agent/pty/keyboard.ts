/** How much may wait to be typed, in UTF-16 units. */
const MOST_UNREAD = 1024 * 1024;
/** A PTY takes little at once, and a program that reads slowly gets the rest as it reads. */
const KEYS_AT_ONCE = 1024;
const NUDGE_MS = 20;

/** How a {@linkcode Keyboard} reaches its PTY. */
export interface KeyboardOptions {
  /** Writes a piece of at most 1024 UTF-16 units, and calls back when the PTY has taken it. */
  press: (data: string, taken: () => void) => void;
  /**
   * Wakes up a write that waits for room: Deno 2.9 does not notice by itself that the program has
   * read, after a PTY took only a part.
   */
  nudge: () => void;
}

/** Sends keys in small pieces, in order, as fast as the program reads them. */
export class Keyboard {
  readonly #options: KeyboardOptions;
  #waiting = "";
  #timer: ReturnType<typeof setInterval> | undefined;
  #closed = false;

  /** Nothing is typed before the first {@linkcode type}. */
  constructor(options: KeyboardOptions) {
    this.#options = options;
  }

  /**
   * Queues keys.
   *
   * @throws {RangeError} If more than a megabyte is waiting.
   */
  type(data: string): void {
    if (this.#closed) return;
    if (this.#waiting.length + data.length > MOST_UNREAD) {
      throw new RangeError(
        `Cannot type ${data.length} characters: ${this.#waiting.length} others are still waiting`,
      );
    }
    this.#waiting += data;
    if (this.#timer === undefined) this.#next();
  }

  /** Drops waiting keys and all later ones. */
  close(): void {
    this.#closed = true;
    this.#waiting = "";
    clearInterval(this.#timer);
  }

  #next(): void {
    if (this.#waiting === "") return;
    let end = KEYS_AT_ONCE;
    // Half a surrogate pair would be written as a replacement character.
    if (/[\uD800-\uDBFF]/.test(this.#waiting.charAt(end - 1))) end--;
    const piece = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    this.#timer = setInterval(this.#options.nudge, NUDGE_MS);
    this.#options.press(piece, () => {
      clearInterval(this.#timer);
      this.#timer = undefined;
      this.#next();
    });
  }
}

/** Options for {@linkcode asPaste}. */
export interface AsPasteOptions {
  /** Whether the program distinguishes pasted text (bracketed paste). */
  bracketed: boolean;
}

/**
 * Encodes a text as a terminal does when a person pastes it. No text can press a key: control
 * characters are removed, and line ends become spaces where they would count as the Enter key.
 *
 * @example Usage
 * ```ts
 * import { asPaste } from "./keyboard.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(asPaste("a\nb\u0003", { bracketed: false }), "a b");
 * assertEquals(asPaste("a\nb", { bracketed: true }), "\x1b[200~a\nb\x1b[201~");
 * ```
 *
 * @param options How the program takes pasted text.
 */
export function asPaste(text: string, options: AsPasteOptions): string {
  const plain = text
    .replaceAll(/\r\n?/g, "\n")
    // deno-lint-ignore no-control-regex -- keys are what must not get through
    .replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
  return options.bracketed ? `\x1b[200~${plain}\x1b[201~` : plain.replaceAll("\n", " ");
}
