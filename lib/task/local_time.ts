/**
 * Writes a local time as `progress.txt` has it.
 *
 * @example Usage
 * ```ts
 * import { localTime } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(localTime(new Date(2026, 0, 23, 12, 16)), "2026-01-23 12:16");
 * ```
 *
 * @param date The time.
 * @returns The time, as `YYYY-MM-DD HH:MM`.
 */
export function localTime(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join("-");
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
