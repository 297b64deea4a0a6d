import { displayWidth, padText } from "../text/display_width.ts";
import { formatCount } from "../text/numbers.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { createStyle } from "../text/style.ts";

/**
 * How a thing stands that a run depends on: as it must be, worth a look, in the way of any
 * run, or just not there.
 */
export type DoctorLevel = "ok" | "warning" | "problem" | "info";

/** What `ralph doctor` found out about one thing. */
export interface DoctorFinding {
  /** How it stands. */
  level: DoctorLevel;
  /** What it is, with its version if it has one. */
  title: string;
  /** Where it is, or what is the matter; absent if the title says it all. */
  detail?: string;
  /** What to do about it: commands or words, a line each. */
  fix?: string;
}

/** Options for {@linkcode doctorLines}. */
export interface DoctorLinesOptions {
  /** Whether to print in colour. @default {false} */
  color?: boolean;
}

const GLYPHS: Record<DoctorLevel, string> = { ok: "✔", warning: "!", problem: "✘", info: "·" };
/** A longer title pushes its own detail to the right, not those of all others. */
const TITLE_WIDTH = 24;

/**
 * Lays out what `ralph doctor` found, one line each and one below it for what to do, with
 * the sum at the end. Nothing is cut: a command is there to be copied.
 *
 * @example Usage
 * ```ts
 * import { doctorLines } from "./doctor_lines.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = doctorLines([
 *   { level: "ok", title: "git 2.39.5" },
 *   { level: "problem", title: "claude", detail: "not on PATH", fix: "npm install -g claude" },
 * ]);
 * assertEquals(lines, [
 *   "✔ git 2.39.5",
 *   "✘ claude      not on PATH",
 *   "              npm install -g claude",
 *   "1 ok, 1 problem",
 * ]);
 * ```
 *
 * @param findings What was found.
 * @param options Additional options.
 * @returns The lines.
 */
export function doctorLines(
  findings: readonly DoctorFinding[],
  options: DoctorLinesOptions = {},
): string[] {
  const style = createStyle(options.color ?? false);
  const paints = { ok: style.green, warning: style.yellow, problem: style.red, info: style.dim };
  const widths = findings.map(({ title }) => displayWidth(sanitizeText(title)));
  const width = Math.max(0, ...widths.filter((each) => each <= TITLE_WIDTH));
  const lines = findings.flatMap(({ level, title, detail = "", fix }) => {
    const name = sanitizeText(title);
    const rest = sanitizeText(detail);
    const text = rest === "" ? name : `${padText(name, width)}  ${rest}`;
    const first = `${paints[level](GLYPHS[level])} ${text}`;
    const steps = fix === undefined ? [] : fix.split("\n");
    return [first, ...steps.map((each) => `${" ".repeat(width + 4)}${sanitizeText(each)}`)];
  });
  return [...lines, sum(findings)];
}

function sum(findings: readonly DoctorFinding[]): string {
  const count = (level: DoctorLevel): number =>
    findings.filter((finding) => finding.level === level).length;
  const parts = [`${count("ok")} ok`];
  if (count("warning") > 0) parts.push(formatCount(count("warning"), "warning"));
  if (count("problem") > 0) parts.push(formatCount(count("problem"), "problem"));
  return parts.join(", ");
}
