/**
 * Writes a cost, such as `$1.24 est.`: agents estimate it, and nobody is billed by it.
 *
 * @example Usage
 * ```ts
 * import { formatCost } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatCost(1.239), "$1.24 est.");
 * assertEquals(formatCost(0.002), "<$0.01 est.");
 * ```
 *
 * @param usd The cost, in US dollars.
 * @returns The cost in words.
 */
export function formatCost(usd: number): string {
  if (usd > 0 && usd < 0.01) return "<$0.01 est.";
  const [whole = "0", cents = "00"] = Math.max(0, usd).toFixed(2).split(".");
  return `$${whole.replace(/\B(?=(?:\d{3})+$)/g, ",")}.${cents} est.`;
}
