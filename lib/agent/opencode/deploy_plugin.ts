import { mkdir, readdir, readFile, rm, rmdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { runGit } from "../../git/run_git.ts";
import { writeAtomic } from "../../base/write_atomic.ts";
import { OPENCODE_PLUGIN } from "./plugin.ts";

/** Options for {@linkcode deployPlugin} and {@linkcode removePlugin}. */
export interface DeployPluginOptions {
  /** The folder in which OpenCode works. */
  cwd: string;
  /** The id of the session, which identifies this run. */
  id: string;
}

/** What OpenCode creates beside the plugins of a project before it loads them. */
const GENERATED = [".gitignore", "node_modules", "package.json", "package-lock.json", "bun.lock"];

/** The start of the plugin's first line; what existed before follows as JSON. */
const MARK = "// Written by ralph for one run, and removed after it. Found here: ";

/**
 * Writes the plugin to `.opencode/plugins/`, and adds it to `.git/info/exclude`, so that the work
 * tree stays clean.
 *
 * @param options Where, and for which run.
 */
export async function deployPlugin(options: DeployPluginOptions): Promise<void> {
  const { folder, plugins, file, line } = placesOf(options);
  const found = { folder: await namesIn(folder), plugins: await namesIn(plugins) };
  await editExclude(options.cwd, (lines) => lines.includes(line) ? lines : [...lines, line]);
  await mkdir(plugins, { recursive: true });
  await writeFile(file, `${MARK}${JSON.stringify(found)}\n${OPENCODE_PLUGIN}`);
}

/**
 * Removes the plugin, and what OpenCode created beside it. Does nothing if there is none.
 *
 * @param options Where, and for which run.
 */
export async function removePlugin(options: DeployPluginOptions): Promise<void> {
  const { folder, plugins, file, line } = placesOf(options);
  const text = await readFile(file, "utf8").catch(() => undefined);
  const [first = ""] = text?.split("\n") ?? [];
  if (first.startsWith(MARK)) {
    const found = JSON.parse(first.slice(MARK.length)) as Record<string, string[] | null>;
    const kept = new Set([...found.folder ?? [], ...await trackedIn(folder)]);
    const generated = GENERATED.filter((name) => !kept.has(name));
    for (const name of generated) await remove(join(folder, name));
    await remove(file);
    // Files of the agent stay, and the folder with them.
    if (found.plugins === null) await rmdir(plugins).catch(() => {});
    if (found.folder === null) await rmdir(folder).catch(() => {});
  }
  await editExclude(options.cwd, (lines) => lines.filter((each) => each !== line));
}

function placesOf({ cwd, id }: DeployPluginOptions) {
  const folder = join(cwd, ".opencode");
  const plugins = join(folder, "plugins");
  const name = `ralph-${id.replaceAll(/[^\w-]/g, "_")}.ts`;
  return { folder, plugins, file: join(plugins, name), line: `**/.opencode/plugins/${name}` };
}

async function namesIn(folder: string): Promise<string[] | null> {
  return await readdir(folder).catch(() => null);
}

async function trackedIn(folder: string): Promise<string[]> {
  const listed = await runGit(["ls-files", "-z", "."], { cwd: folder }).catch(() => "");
  return listed.split("\0").map((path) => path.split("/")[0] ?? "");
}

async function remove(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

/** Does nothing outside a repository. */
async function editExclude(cwd: string, edit: (lines: string[]) => string[]): Promise<void> {
  // Before 2.31 git has no --path-format, and prints it as if it were a path.
  const args = ["rev-parse", "--git-path", "info/exclude"];
  const path = (await runGit(args, { cwd }).catch(() => "")).trim();
  if (path === "") return;
  const file = resolve(cwd, path);
  const text = await readFile(file, "utf8").catch(() => "");
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  const edited = edit(lines);
  if (edited.length === lines.length) return;
  await mkdir(join(file, ".."), { recursive: true });
  await writeAtomic(file, edited.map((each) => `${each}\n`).join(""));
}
