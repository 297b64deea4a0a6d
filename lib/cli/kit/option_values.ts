import { UsageError } from "./usage.ts";

const UNITS: Record<string, number> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/**
 * Reads a duration such as `90s`, `15m`, `2h`, `1h30m`, or `0` for none, in milliseconds.
 *
 * @param what Where it was given, such as `--max-time`: for the message.
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
  min?: number | undefined;
}

/**
 * Reads a whole number.
 *
 * @param what Where it was given, such as `--iterations`: for the message.
 * @throws {UsageError} If it is not a whole number, or out of bounds.
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
 * Reads US dollars such as `5`, `2.50` or `$5`.
 *
 * @param what Where they were given, such as `--max-cost`: for the message.
 * @throws {UsageError} If it is not an amount of more than 0.
 */
export function dollarsValue(text: string, what: string): number {
  const value = Number(text.replace(/^\$/, ""));
  if (!/^\$?\d+(\.\d+)?$/.test(text) || value === 0) {
    throw new UsageError(
      `Invalid amount "${text}" for ${what}: expected US dollars, more than 0`,
      `such as ${what} 5.00`,
    );
  }
  return value;
}

const ON = ["1", "true", "yes", "on"];
const OFF = ["0", "false", "no", "off"];

/**
 * Reads whether something is on, from an environment variable.
 *
 * @param what Where it was given, such as `RALPH_PIN`: for the message.
 * @throws {UsageError} If it is neither of the known words.
 */
export function switchValue(text: string, what: string): boolean {
  const word = text.toLowerCase();
  if (ON.includes(word)) return true;
  if (OFF.includes(word)) return false;
  throw new UsageError(`Invalid value "${text}" for ${what}`, "1 turns it on, 0 turns it off");
}
