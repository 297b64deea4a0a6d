import { execFile } from "node:child_process";
import { join } from "node:path";
import { isNotFound } from "../base/error_code.ts";
import { readTextFile } from "../base/read_text_file.ts";

/** Options for {@linkcode neutralConfig}. */
export interface NeutralConfigOptions {
  /** The folder that git runs in. */
  cwd: string;
  /** The environment of git. */
  env: Record<string, string>;
  /** Stops git. */
  signal?: AbortSignal | undefined;
}

/** One setting, and whether it is in a file that whoever can write to the repository can change. */
interface Setting {
  key: string;
  value: string;
  inRepository: boolean;
}

/**
 * Settings whose value is a command, each with one that does nothing. The names of drivers are
 * free, so these cannot be switched off without looking. Not here: what runs only for a terminal,
 * and what {@linkcode ALWAYS_NEUTRAL} and the environment switch off anyway.
 */
const COMMANDS: [key: RegExp, neutral: string][] = [
  [/^filter\..*\.(?:clean|smudge|process)$/, ""],
  [/^diff\.external$|^diff\..*\.command$/, "true"],
  [/^diff\..*\.textconv$/, "cat"],
  // "false" is a conflict; an empty command would count as a clean merge.
  [/^merge\..*\.driver$/, "false"],
  [/^gpg\.(?:.*\.)?program$|^gpg\.ssh\.defaultkeycommand$/, "false"],
  [/^trailer\..*\.(?:command|cmd)$/, "true"],
  [/^core\.sshcommand$/, "ssh"],
  [/^core\.alternaterefscommand$/, "true"],
  // An empty one forgets those before it.
  [/^credential\.(?:.*\.)?helper$/, ""],
];

/** What `git lfs install --local` writes: without it, files in LFS would count as changed. */
const LFS = /^git-lfs (?:(?:clean|smudge(?: --skip)?) -- %f|filter-process(?: --skip)?)$/;

/** For every command: nothing of this is needed to look at a repository or to switch branches. */
export const ALWAYS_NEUTRAL: readonly string[] = [
  "core.fsmonitor=false",
  "core.hooksPath=/dev/null",
  // Git in a submodule would read the submodule's own settings.
  "submodule.recurse=false",
].flatMap((setting) => ["-c", setting]);

/**
 * Finds the settings of a repository that make git run a program, and replaces each by the user's
 * own (from `~/.gitconfig` or the system), else by one that does nothing. An agent can write to
 * `.git/config`, and git would run its program with what ralph may do.
 *
 * @returns Arguments for git, to put before the command.
 * @throws {Error} If a setting cannot be replaced.
 */
export async function neutralConfig(options: NeutralConfigOptions): Promise<string[]> {
  return await isPlain(options.cwd) ? [] : neutralArguments(await readSettings(options));
}

/** What a config file has to have for {@linkcode COMMANDS} to matter, however it is spelled. */
const SUSPECT =
  /\[(?:filter|diff|merge|gpg|trailer|credential|include|includeif)\b|sshcommand|alternaterefscommand/i;

/**
 * Whether the config of a repository has nothing that could run a program: most have not, and a
 * look at the file costs a loop less than a process does.
 *
 * @returns `false` also where there is a doubt, as in a worktree.
 */
async function isPlain(root: string): Promise<boolean> {
  const read = (name: string, missing?: string): Promise<string | undefined> =>
    readTextFile(join(root, ".git", name)).catch((error) =>
      isNotFound(error) ? missing : undefined
    );
  const shared = await read("config");
  if (shared === undefined || SUSPECT.test(shared)) return false;
  // Git reads the other file only where this one says so.
  const own = /worktreeconfig/i.test(shared) ? await read("config.worktree", "") : "";
  return own !== undefined && !SUSPECT.test(own);
}

function neutralArguments(settings: readonly Setting[]): string[] {
  const args: string[] = [];
  for (const key of new Set(settings.filter(isPlanted).map((setting) => setting.key))) {
    // `git -c` takes everything before the first "=" for the name.
    if (key.includes("=")) throw new Error(`the repository's git config has the key "${key}"`);
    const neutral = COMMANDS.find(([pattern]) => pattern.test(key))?.[1] ?? "";
    const own = settings.filter((setting) => setting.key === key && !setting.inRepository);
    const values = key.startsWith("credential.")
      ? [neutral, ...own.map(({ value }) => value)]
      : [own.at(-1)?.value ?? neutral];
    args.push(...values.flatMap((value) => ["-c", `${key}=${value}`]));
    const driver = /^(filter\..*)\./.exec(key)?.[1];
    if (driver !== undefined && own.length === 0) args.push("-c", `${driver}.required=false`);
  }
  return args;
}

function isPlanted({ key, value, inRepository }: Setting): boolean {
  if (!inRepository || (key.startsWith("filter.lfs.") && LFS.test(value))) return false;
  return COMMANDS.some(([pattern]) => pattern.test(key));
}

async function readSettings(options: NeutralConfigOptions): Promise<Setting[]> {
  const list = ["config", "--includes", "--list", "-z"];
  const scoped = await git([...list, "--show-scope"], options);
  if (scoped !== undefined) {
    const fields = scoped.split("\0");
    return fields.flatMap((scope, i) =>
      i % 2 === 0 && fields[i + 1] !== undefined
        ? [setting(fields[i + 1] ?? "", scope === "local" || scope === "worktree")]
        : []
    );
  }
  // Git before 2.26 does not know `--show-scope`; outside of a repository there is nothing to read.
  const local = await git([...list, "--local"], options) ?? "";
  return local.split("\0").filter((entry) => entry !== "").map((entry) => setting(entry, true));
}

function setting(entry: string, inRepository: boolean): Setting {
  const [key = "", ...value] = entry.split("\n");
  return { key, value: value.join("\n"), inRepository };
}

/** The output of git; `undefined` if it fails. */
function git(args: string[], options: NeutralConfigOptions): Promise<string | undefined> {
  const { cwd, env, signal } = options;
  const limits = { maxBuffer: 16 * 1024 * 1024, windowsHide: true };
  return new Promise((resolve, reject) => {
    execFile("git", args, { cwd, env, ...limits, signal }, (error, stdout) => {
      if (signal?.aborted) reject(signal.reason);
      else resolve(error === null ? stdout : undefined);
    });
  });
}
