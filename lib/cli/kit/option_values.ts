import { UsageError } from "./usage.ts";

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration such as `90s`, `15m`, `2h`, `1h30m`, or `0` for none.
 *
 * @param what The option it belongs to, such as `--max-time`.
 * @returns Milliseconds; 0 for none.
 * @throws {UsageError} If it is not a duration.
 */
export function durationValue(text: string, what: string): number {
  if (/^0+[smhd]?$/.test(text)) return 0;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd])/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text) {
    throw new UsageError(
      `Invalid duration "${text}" for ${what}: expected a number with s, m, h or d`,
      `such as ${what} 90s, 15m or 2h; 0 turns it off`,
    );
  }
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (UNITS[unit ?? ""] ?? 0), 0);
}

/** Options for {@linkcode wholeNumberValue}. */
export interface NumberBounds {
  /** The smallest valid number. @default {0} */
  min?: number;
}

/**
 * Reads a whole number.
 *
 * @param what The option it belongs to, such as `--iterations`.
 * @throws {UsageError} If it is not a whole number, or is out of bounds.
 */
export function wholeNumberValue(text: string, what: string, bounds: NumberBounds = {}): number {
  const { min = 0 } = bounds;
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < min) {
    throw new UsageError(
      `Invalid number "${text}" for ${what}: expected a whole number of at least ${min}`,
    );
  }
  return value;
}

/**
 * Reads an amount of money such as `5` or `2.50`.
 *
 * @param what The option it belongs to, such as `--max-cost`.
 * @returns US dollars.
 * @throws {UsageError} If it is not an amount of money.
 */
export function dollarsValue(text: string, what: string): number {
  const value = Number(text.replace(/^\$/, ""));
  if (!/^\$?\d+(\.\d+)?$/.test(text)) {
    throw new UsageError(
      `Invalid amount "${text}" for ${what}: expected US dollars`,
      `such as ${what} 5.00`,
    );
  }
  return value;
}
