const MOST_UNREAD = 1024 * 1024;
/** A PTY takes little at once, and Deno 2.9 never wakes up from a write that was cut short. */
const KEYS_AT_ONCE = 1024;
const KEYS_PAUSE_MS = 1;

/** Passes keys on in small pieces, in order. */
export class Keyboard {
  readonly #press: (data: string) => void;
  #waiting = "";
  #timer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  /**
   * Makes it.
   *
   * @param press Takes a piece of at most 1024 UTF-16 units.
   */
  constructor(press: (data: string) => void) {
    this.#press = press;
  }

  /**
   * Takes keys.
   *
   * @param data The keys.
   * @throws {RangeError} If a megabyte of others still waits.
   */
  type(data: string): void {
    if (this.#closed) return;
    if (this.#waiting.length + data.length > MOST_UNREAD) {
      throw new RangeError(
        `Cannot type ${data.length} characters: ${this.#waiting.length} others still wait`,
      );
    }
    this.#waiting += data;
    if (this.#timer === undefined) this.#next();
  }

  /** Drops what waits and all that comes. */
  close(): void {
    this.#closed = true;
    this.#waiting = "";
    clearTimeout(this.#timer);
  }

  #next(): void {
    this.#timer = undefined;
    if (this.#waiting === "") return;
    let end = KEYS_AT_ONCE;
    // Half a character would be written as a replacement character.
    if (/[\uD800-\uDBFF]/.test(this.#waiting.charAt(end - 1))) end--;
    const piece = this.#waiting.slice(0, end);
    this.#waiting = this.#waiting.slice(end);
    this.#press(piece);
    if (this.#waiting !== "") this.#timer = setTimeout(() => this.#next(), KEYS_PAUSE_MS);
  }
}

/** Options for {@linkcode asPaste}. */
export interface AsPasteOptions {
  /** Whether the program wants to know what is pasted (bracketed paste). */
  bracketed: boolean;
}

/**
 * Turns a text into what a terminal sends when a person pastes it. It can press no key, whatever
 * is in it: control characters are left out, and where line ends would be taken for the Enter key
 * they are spaces.
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
 * @param text The text.
 * @param options How the program takes it.
 * @returns What to type.
 */
export function asPaste(text: string, options: AsPasteOptions): string {
  const plain = text
    .replaceAll(/\r\n?/g, "\n")
    // deno-lint-ignore no-control-regex -- keys are what must not get through
    .replaceAll(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
  return options.bracketed ? `\x1b[200~${plain}\x1b[201~` : plain.replaceAll("\n", " ");
}
