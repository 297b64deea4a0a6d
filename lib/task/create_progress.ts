import { writeFile } from "node:fs/promises";
import { errorCode } from "../base/error_code.ts";
import { localTime } from "../base/local_time.ts";

/** What stands at the beginning of a new `progress.txt`. */
export interface NewProgressHeader {
  /** The name of the task. */
  effort: string;
  /** The kind of work, as in the PRD. @default {"Feature"} */
  type?: string;
}

/** Options for {@linkcode createProgress}. */
export interface CreateProgressOptions {
  /** What stands at its beginning. */
  header: NewProgressHeader;
  /** Gives the time, in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/**
 * Makes a `progress.txt` with its header, if there is none.
 *
 * @example Usage
 * ```ts
 * import { createProgress } from "@ralph/cli";
 * import { mkdtemp, rm } from "node:fs/promises";
 *
 * const dir = await mkdtemp("example-");
 * await createProgress(`${dir}/progress.txt`, { header: { effort: "my-feature" } });
 * await rm(dir, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @param options What stands in it.
 * @returns Whether it was made.
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
    // Only if it is not there: an agent may make it at the same moment.
    await writeFile(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}
