/** One file that differs from the last commit. */
export interface GitStatusEntry {
  /** Its path, from the root of the repository; one that ends in `/` is an untracked folder. */
  path: string;
  /** What git says about it: `??` if untracked, else two letters and further details. */
  status: string;
}

/** The output of `git status`, parsed. */
export interface GitStatus {
  /** The commit; `null` if there is none yet. */
  head: string | null;
  /** The branch; `null` on a detached HEAD. */
  branch: string | null;
  /** The files that differ from the last commit. */
  entries: GitStatusEntry[];
}

/**
 * Reads the output of `git status --porcelain=v2 --branch -z`.
 *
 * @example Usage
 * ```ts
 * import { parseGitStatus } from "./parse_git_status.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const status = parseGitStatus("# branch.oid (initial)\0# branch.head main\0? a.txt\0");
 * assertEquals(status.branch, "main");
 * assertEquals(status.entries[0]?.path, "a.txt");
 * ```
 *
 * @returns The commit, the branch and the files.
 */
export function parseGitStatus(output: string): GitStatus {
  const status: GitStatus = { head: null, branch: null, entries: [] };
  const records = output.split("\0").values();
  for (const record of records) {
    if (record.startsWith("# branch.oid ")) {
      const oid = record.slice(13);
      status.head = oid === "(initial)" ? null : oid;
    } else if (record.startsWith("# branch.head ")) {
      const name = record.slice(14);
      status.branch = name === "(detached)" ? null : name;
    } else if (record.startsWith("? ")) {
      status.entries.push({ path: record.slice(2), status: "??" });
    } else {
      const fields = FIELDS_BEFORE_PATH[record[0] ?? ""];
      if (fields === undefined) continue;
      const parts = record.split(" ");
      status.entries.push({
        path: parts.slice(fields).join(" "),
        status: parts.slice(1, fields).join(" "),
      });
      // The old name of a renamed file is a separate record.
      if (record.startsWith("2 ")) records.next();
    }
  }
  return status;
}

/** How many fields stand before the path in a record of each type. */
const FIELDS_BEFORE_PATH: Record<string, number> = { "1": 8, "2": 9, "u": 10 };
