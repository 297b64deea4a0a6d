import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isNotFound } from "../base/error_code.ts";

/** A task folder, from {@linkcode listTasks}. */
export interface TaskListing {
  /** Its name. */
  name: string;
  /** Its absolute path. */
  dir: string;
  /** Whether it has a `prd.json`. */
  hasPrd: boolean;
  /** Whether it has a `prd.md`, which can be converted to a `prd.json`. */
  hasMarkdown: boolean;
}

/** Name of the folder of archived tasks. */
export const ARCHIVE_NAME = "archived";

/**
 * Lists the tasks of a repository: the folders in `tasks/` that have a
 * `prd.json` or a `prd.md`. `tasks/archived/` and hidden folders are left out.
 *
 * @example Usage
 * ```ts
 * import { listTasks } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
 *
 * const root = await mkdtemp("example-");
 * await mkdir(`${root}/tasks/my-feature`, { recursive: true });
 * await writeFile(`${root}/tasks/my-feature/prd.json`, "{}");
 * assertEquals((await listTasks(root)).map((task) => task.name), ["my-feature"]);
 * await rm(root, { recursive: true });
 * ```
 *
 * @param root The root of the repository.
 * @returns The tasks, sorted by name; none if there is no folder `tasks/`.
 */
export async function listTasks(root: string): Promise<TaskListing[]> {
  const parent = join(root, "tasks");
  const names = (await filesIn(parent)) ?? [];
  const listings = await Promise.all(
    names
      .filter((name) => name !== ARCHIVE_NAME && !name.startsWith("."))
      .map(async (name) => {
        const dir = join(parent, name);
        const files = (await filesIn(dir)) ?? [];
        const has = (file: string) => files.includes(file);
        return { name, dir, hasPrd: has("prd.json"), hasMarkdown: has("prd.md") };
      }),
  );
  return listings
    .filter((task) => task.hasPrd || task.hasMarkdown)
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** The names in a folder; `undefined` if it does not exist or is a file. */
async function filesIn(dir: string): Promise<string[] | undefined> {
  try {
    return await readdir(dir);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
