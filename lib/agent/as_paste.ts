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
 * import { asPaste } from "@ralph/cli";
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
