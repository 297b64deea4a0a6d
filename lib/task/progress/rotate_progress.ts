import { constants, copyFile, link, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { countIterations } from "./progress_entry.ts";
import { errorCode, isNotFound } from "../../base/error_code.ts";
import { localTime } from "../../base/local_time.ts";
import { readTextFile } from "../../base/read_text_file.ts";
import { parseProgress, type ProgressLog } from "./parse_progress.ts";

/** A rotation of `progress.txt`. */
export interface Rotation {
  /** The absolute path of the file that holds the old content. */
  file: string;
  /** How many iterations that file records. */
  iterations: number;
}

/** Options for {@linkcode rotateProgress}. */
export interface RotateProgressOptions {
  /** Lines that the file may have; 0 for no limit. @default {300} */
  threshold?: number | undefined;
  /** The repository that it belongs to: a link that leads out of it is refused. @default {none} */
  within?: string | undefined;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/**
 * Rotates a `progress.txt` that has become too long for an agent to read: its text moves to
 * `progress-<n>.txt`, and a new one gets the header, the Codebase Patterns and a note that names
 * the old file. The highest n is the newest.
 *
 * A complete `progress.txt` exists at every moment, and a rotation interrupted by a crash is
 * repeated. What an agent writes meanwhile ends up in one of the two files.
 *
 * @example Usage
 * ```ts
 * import { createProgress } from "./append_progress.ts";
 * import { rotateProgress } from "./rotate_progress.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, rm } from "node:fs/promises";
 *
 * const dir = await mkdtemp("example-");
 * const file = `${dir}/progress.txt`;
 * await createProgress(file, { header: { effort: "my-feature" } });
 * assertEquals(await rotateProgress(file), undefined);
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @returns The rotation, or `undefined` if it was not due.
 */
export async function rotateProgress(
  file: string,
  options: RotateProgressOptions = {},
): Promise<Rotation | undefined> {
  const { threshold = 300, now = Date.now, within } = options;
  // A line has at least one byte: a file with fewer bytes need not be read.
  if (threshold <= 0 || (await sizeOf(file)) <= threshold) return undefined;
  const text = await readTextFile(file, { within });
  const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
  const log = parseProgress(text);
  if (!isRotationDue(log, { lines, threshold })) return undefined;

  const dir = dirname(file);
  const number = await freeNumber(dir, { text, within });
  const rotated = join(dir, `progress-${number}.txt`);
  const beside = join(dir, `.progress.txt.${process.pid}.tmp`);
  try {
    const time = localTime(new Date(now()));
    await writeFile(beside, rotatedProgress(log, { number, time }), { flush: true });
    await keepAs(file, rotated);
    await rename(beside, file);
  } finally {
    await rm(beside, { force: true });
  }
  return { file: rotated, iterations: countIterations(log.entries) };
}

/** The number after the highest; the highest itself if a crash interrupted its rotation. */
async function freeNumber(
  dir: string,
  { text, within }: { text: string; within: string | undefined },
): Promise<number> {
  const names = await readdir(dir);
  const numbers = names.map((name) => Number(/^progress-(\d+)\.txt$/.exec(name)?.[1] ?? 0));
  const highest = Math.max(0, ...numbers);
  if (highest === 0) return 1;
  const newest = join(dir, `progress-${highest}.txt`);
  // The `Rotation` line differs in every file, so a file that this one starts with is a copy of it.
  if (!text.startsWith(await readTextFile(newest, { within }))) return highest + 1;
  await rm(newest);
  return highest;
}

/**
 * Adds a hard link, so that a writer that has the file open still writes to a file that is kept.
 */
async function keepAs(file: string, name: string): Promise<void> {
  try {
    await link(file, name);
  } catch (error) {
    const code = errorCode(error);
    // Not every file system has hard links.
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code ?? "")) throw error;
    await copyFile(file, name, constants.COPYFILE_EXCL);
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (isNotFound(error)) return 0;
    throw error;
  }
}

/**
 * Whether a `progress.txt` is due for rotation: it has more lines than the threshold, and rotating
 * it would save at least a third of the threshold, as a new file repeats the header and the
 * Codebase Patterns. So patterns that are longer than the threshold do not rotate it every time.
 *
 * @param options The number of its lines, and the threshold in lines.
 * @returns Whether it is due.
 */
function isRotationDue(
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
 * Writes the text of the new `progress.txt` after a rotation: the header, the Codebase Patterns
 * verbatim, and the name of the old file.
 *
 * @param log What is in the file that is rotated.
 * @param options The number of the rotated file, and the local time.
 */
function rotatedProgress(
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
