import { countIterations } from "./count_iterations.ts";
import type { ProgressLog } from "./parse_progress.ts";

/**
 * Says whether a `progress.txt` is due for rotation: it has more lines than the
 * threshold, and so much besides what a new file would hold again (the header,
 * the Codebase Patterns) that rotating it helps: a third of the threshold. Patterns
 * that are longer than the threshold therefore do not rotate it every time.
 *
 * @param log What is in it.
 * @param options The number of its lines, and the threshold in lines.
 * @returns Whether it is due.
 */
export function isRotationDue(
  log: ProgressLog,
  options: { lines: number; threshold: number },
): boolean {
  const { lines, threshold } = options;
  if (lines <= threshold) return false;
  const gone = log.entries.filter((entry) => entry.kind !== "patterns" && !isPriorProgress(entry));
  const linesGone = gone.reduce((sum, entry) => sum + entry.lastLine - entry.firstLine + 1, 0);
  return linesGone >= threshold / 3;
}

/**
 * Writes the text of the new `progress.txt` after a rotation: the header, the
 * Codebase Patterns word for word, and where the rest is.
 *
 * @param log What is in the file that is rotated.
 * @param options The number that it gets, and the local time.
 * @returns The text.
 */
export function rotatedProgress(
  log: ProgressLog,
  options: { number: number; time: string },
): string {
  const { number, time } = options;
  const header = log.header.lines.filter((line) => !line.startsWith("Rotation:"));
  while (header.at(-1) === "") header.pop();
  const count = countIterations(log.entries);
  return [
    ...(header.length > 0 ? header : ["# Ralph Progress Log"]),
    `Rotation: ${number} (rotated at ${time})`,
    "---",
    "",
    ...(log.patternsText === "" ? [] : ["## Codebase Patterns", log.patternsText, ""]),
    "## Prior Progress",
    `- progress-${number}.txt holds ${count} ${count === 1 ? "iteration" : "iterations"}`,
    ...(number === 1
      ? []
      : [`- Older: ${number === 2 ? "" : "progress-1.txt to "}progress-${number - 1}.txt`]),
    "---",
    "",
  ].join("\n");
}

function isPriorProgress(entry: ProgressLog["entries"][number]): boolean {
  return entry.kind === "other" && entry.heading === "Prior Progress";
}
