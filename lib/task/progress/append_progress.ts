import { Buffer } from "node:buffer";
import { type FileHandle, writeFile } from "node:fs/promises";
import { errorLines, formatProgressEntry } from "./format_progress_entry.ts";
import { type ParsedProgressEntry, parseProgress } from "./parse_progress.ts";
import type { FailureEntry, NewProgressEntry } from "./progress_entry.ts";
import { writeAtomic } from "../../base/write_atomic.ts";
import { errorCode } from "../../base/error_code.ts";
import { openRegularFile } from "../../base/read_text_file.ts";
import { localTime } from "../../base/local_time.ts";

/** Options for {@linkcode appendProgress}. */
export interface AppendProgressOptions extends CreateProgressOptions {
  /** The repository that it belongs to: a link that leads out of it is refused. @default {none} */
  within?: string | undefined;
}

/**
 * Adds an entry to `progress.txt`, and creates the file if it is missing.
 *
 * A failure that repeats the last entry (same agent, story and error) replaces it, with the new
 * count, iteration and time: a streak is one entry. Two errors are the same if their lines are,
 * apart from the numbers after the first line. Nothing else is ever rewritten, and what another
 * process appends at the same time is kept.
 *
 * @example Usage
 * ```ts
 * import { appendProgress } from "./append_progress.ts";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, readFile, rm } from "node:fs/promises";
 *
 * const dir = await mkdtemp("example-");
 * const file = `${dir}/progress.txt`;
 * const failure = { kind: "failure", agent: "claude", story: "US-001", error: "exit 1" } as const;
 * const header = { effort: "my-feature", type: "Feature" };
 * await appendProgress(file, { ...failure, iteration: 1, failures: 1 }, { header });
 * await appendProgress(file, { ...failure, iteration: 2, failures: 2 }, { header });
 * assertEquals((await readFile(file, "utf8")).match(/FAILURE/g)?.length, 1);
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @param options The header of a new file, and the time.
 */
export async function appendProgress(
  file: string,
  entry: NewProgressEntry,
  options: AppendProgressOptions,
): Promise<void> {
  const { now = Date.now, within } = options;
  const text = formatProgressEntry(entry, new Date(now()));
  await createProgress(file, options);
  const handle = await openRegularFile(file, { within, append: true });
  try {
    const bytes = await readFrom(handle, 0);
    const kept = entry.kind === "failure" ? bytesBeforeStreak(bytes, entry) : undefined;
    if (kept === undefined) {
      await handle.appendFile(gapAfter(bytes) + text);
      return;
    }
    await writeAtomic(file, Buffer.concat([kept, Buffer.from(text)]));
    // Someone may have written to the old file between our reading and its replacement.
    const late = await readFrom(handle, bytes.length);
    if (late.length === 0) return;
    const fresh = await openRegularFile(file, { within, append: true });
    await fresh.appendFile(late).finally(() => fresh.close());
  } finally {
    await handle.close();
  }
}

async function readFrom(handle: FileHandle, start: number): Promise<Buffer> {
  const { size } = await handle.stat();
  const buffer = Buffer.alloc(Math.max(0, size - start));
  const { bytesRead } = await handle.read(buffer, 0, buffer.length, start);
  return buffer.subarray(0, bytesRead);
}

/** The bytes before the last entry, if the failure continues its streak. */
function bytesBeforeStreak(bytes: Buffer, entry: FailureEntry): Buffer | undefined {
  const last = parseProgress(bytes.toString()).entries.at(-1);
  if (last === undefined || !isSameFailure(last, entry)) return undefined;
  // Counted in bytes, so that text that is not UTF-8 is kept as it is.
  let end = 0;
  for (let line = 1; line < last.firstLine; line++) end = bytes.indexOf(NEWLINE, end) + 1;
  return bytes.subarray(0, end);
}

function isSameFailure(last: ParsedProgressEntry, entry: FailureEntry): boolean {
  if (last.kind !== "failure" || last.agent !== entry.agent || last.story !== entry.story) {
    return false;
  }
  const [first, ...more] = errorLines(last.error);
  const [newFirst, ...newMore] = errorLines(entry.error);
  // Times, ports and request ids differ from one attempt to the next.
  const plain = (lines: string[]) => lines.join("\n").replace(/\d+/g, "0");
  return first === newFirst && plain(more) === plain(newMore);
}

/** Completes an unfinished last line, and adds an empty one. */
function gapAfter(bytes: Buffer): string {
  if (bytes.length === 0) return "";
  if (bytes.at(-1) !== NEWLINE) return "\n\n";
  return bytes.at(-2) === NEWLINE ? "" : "\n";
}

const NEWLINE = 10;

/** The header of a new `progress.txt`. */
export interface NewProgressHeader {
  /** The name of the task. */
  effort: string;
  /** The kind of work, as in the PRD. @default {"Feature"} */
  type?: string | undefined;
}

/** Options for {@linkcode createProgress}. */
export interface CreateProgressOptions {
  /** Its header. */
  header: NewProgressHeader;
  /** The clock, in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/**
 * Creates `progress.txt` with its header, unless it exists.
 *
 * @example Usage
 * ```ts
 * import { createProgress } from "./append_progress.ts";
 * import { mkdtemp, rm } from "node:fs/promises";
 *
 * const dir = await mkdtemp("example-");
 * await createProgress(`${dir}/progress.txt`, { header: { effort: "my-feature" } });
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @returns Whether it was created.
 */
export async function createProgress(
  file: string,
  options: CreateProgressOptions,
): Promise<boolean> {
  const { header, now = Date.now } = options;
  const oneLine = (text: string) => text.replace(/\s+/g, " ").trim();
  const text = [
    "# Ralph Progress Log",
    `Effort: ${oneLine(header.effort)}`,
    `Type: ${oneLine(header.type ?? "Feature")}`,
    `Started: ${localTime(new Date(now())).slice(0, 10)}`,
    "---",
    "",
  ].join("\n");
  try {
    // Never overwrites it: an agent may create it at the same moment.
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
