import { displayWidth, padText } from "../text/display_width.ts";
import { formatCount } from "../text/numbers.ts";
import { sanitizeText } from "../text/sanitize_text.ts";
import { createStyle } from "../text/style.ts";

/**
 * The state of something that a run depends on: as it should be, worth a look, blocking every run,
 * or simply absent.
 */
export type DoctorLevel = "ok" | "warning" | "problem" | "info";

/** What `ralph doctor` found out about one thing. */
export interface DoctorFinding {
  /** Its state. */
  level: DoctorLevel;
  /** What it is, with its version if it has one. */
  title: string;
  /** Where it is, or what is wrong with it; absent if the title says it all. */
  detail?: string | undefined;
  /** How to fix it: commands or words, one step a line. */
  fix?: string | undefined;
}

/** Options for {@linkcode doctorLines}. */
export interface DoctorLinesOptions {
  /** Whether to print in colour. @default {false} */
  color?: boolean | undefined;
}

const GLYPHS: Record<DoctorLevel, string> = { ok: "✔", warning: "!", problem: "✘", info: "·" };
/** A longer title pushes only its own detail to the right. */
const TITLE_WIDTH = 24;

/**
 * Formats what `ralph doctor` found, one line each, the fix on the lines below it, and the totals
 * at the end. Nothing is cut: commands are there to be copied.
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
