import type { ProgressEntry } from "./progress_entry.ts";

/**
 * Counts the iterations that entries of `progress.txt` tell of: every note about
 * a story is one, and every failure, of a streak each of its failures. Where each
 * failure of a streak has an entry of its own, as older files have it, none is
 * counted twice.
 *
 * @example Usage
 * ```ts
 * import { countIterations } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const failure = { kind: "failure", agent: "a", story: "1", error: "exit 1", iteration: 3 } as const;
 * assertEquals(countIterations([{ ...failure, failures: 3 }]), 3);
 * ```
 *
 * @param entries The entries, in the order of the file.
 * @returns How many iterations.
 */
export function countIterations(entries: readonly ProgressEntry[]): number {
  let count = 0;
  const counted = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === "story") {
      count++;
      counted.clear();
    }
    if (entry.kind !== "failure") continue;
    const before = counted.get(entry.agent) ?? 0;
    count += entry.failures > before ? entry.failures - before : entry.failures;
    counted.set(entry.agent, entry.failures);
  }
  return count;
}
