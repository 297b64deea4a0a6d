const MOST_UNREAD = 1024 * 1024;
/** A PTY takes little at once, and Deno 2.9 hangs after a partial write. */
const KEYS_AT_ONCE = 1024;
const KEYS_PAUSE_MS = 1;

/** Sends keys in small pieces, in order. */
export class Keyboard {
  readonly #press: (data: string) => void;
  #waiting = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /** @param press Takes a piece of at most 1024 UTF-16 units. */
  constructor(press: (data: string) => void) {
    this.#press = press;
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
    clearTimeout(this.#timer);
  }

  #next(): void {
    this.#timer = undefined;
    if (this.#waiting === "") return;
    let end = KEYS_AT_ONCE;
    // Half a surrogate pair would be written as a replacement character.
    if (/[\uD800-\uDBFF]/.test(this.#waiting.charAt(end - 1))) end--;
    const piece = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    this.#press(piece);
    if (this.#waiting !== "") this.#timer = setTimeout(() => this.#next(), KEYS_PAUSE_MS);
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
