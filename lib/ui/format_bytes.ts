const UNITS = ["kB", "MB", "GB", "TB"];

/**
 * Writes a size on disk in decimal units, such as `950 bytes` or `34.5 MB`.
 *
 * @example Usage
 * ```ts
 * import { formatBytes } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(formatBytes(34_512_345), "34.5 MB");
 * assertEquals(formatBytes(999_960), "1.0 MB");
 * ```
 *
 * @param bytes The size.
 * @returns The size in words.
 */
export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} ${bytes === 1 ? "byte" : "bytes"}`;
  let value = bytes / 1000;
  let unit = 0;
  // The threshold is the one at which rounding would give "1000.0".
  while (value >= 999.95 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${UNITS[unit]}`;
}
