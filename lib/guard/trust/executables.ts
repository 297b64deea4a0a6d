import { createHash } from "node:crypto";
import type { ProjectHook, ProjectSettings, TrustedContent } from "./trusted_content.ts";

/** The kinds of what a repository can make ralph run, in the order in which they are shown. */
export const EXECUTABLE_KINDS = ["check", "hook", "agent"] as const;

/** Something that a file of a repository makes ralph run. */
export interface Executable {
  /** What it is. */
  kind: (typeof EXECUTABLE_KINDS)[number];
  /** The agent's name; the events of a hook; empty for a check. */
  name: string;
  /** The whole command; two commands that differ are written differently. */
  run: string;
  /** The file that names it, from the root. */
  file: string;
}

/**
 * Keys of an agent's table that run nothing and permit nothing. A key that is not listed counts as
 * executing, so that a new one cannot be forgotten here.
 */
const HARMLESS = new Set(["model", "mode", "patterns", "prompt", "pty", "story_ms", "success"]);

/**
 * Lists what the files of a repository make ralph run for a task: checks, hooks, and agents with
 * everything in their tables that selects a program, its arguments, its environment or its
 * permissions.
 *
 * @returns The list in canonical order, each entry once.
 */
export function executables({ prdFile, settings, prd }: TrustedContent): Executable[] {
  const all: Executable[] = [
    ...prd.checks.map((run) => ({ kind: "check" as const, name: "", run, file: prdFile })),
    ...settingsExecutables(settings),
  ];
  const order = (each: Executable): string =>
    JSON.stringify([EXECUTABLE_KINDS.indexOf(each.kind), each.name, each.run, each.file]);
  const unique = new Map(all.map((each) => [order(each), each]));
  return [...unique].sort(([a], [b]) => a < b ? -1 : 1).map(([, each]) => each);
}

function settingsExecutables(settings: ProjectSettings): Executable[] {
  const file = "ralph.toml";
  const { checks = [], hooks = [], agents = {}, opencode } = settings;
  const tables = Object.entries(agents).flatMap(([name, table]): Executable[] => {
    const run = agentCommand(table);
    return run === "" ? [] : [{ kind: "agent", name, run, file }];
  });
  // The server runs the agent and gets the user's password, so its address is a program's name.
  const server: Executable[] = opencode?.url === undefined
    ? []
    : [{ kind: "agent", name: "opencode", run: `url = ${JSON.stringify(opencode.url)}`, file }];
  return [
    ...checks.map((run): Executable => ({ kind: "check", name: "", run, file })),
    ...hooks.map((hook): Executable => ({
      kind: "hook",
      name: hookEvents(hook),
      run: words(hook.command),
      file,
    })),
    ...tables,
    ...server,
  ];
}

/** The events of a hook, as one word. */
export function hookEvents({ on }: Pick<ProjectHook, "on">): string {
  return [on].flat().toSorted().join(",");
}

/** The keys of an agent's table that run nothing, with their values. */
export function harmlessKeys(table: Record<string, unknown>): [key: string, value: unknown][] {
  return Object.entries(table).filter(([key]) => HARMLESS.has(key));
}

function agentCommand(table: Record<string, unknown>): string {
  const { command, ...rest } = table;
  const others = Object.keys(rest).filter((key) => !HARMLESS.has(key)).sort()
    .map((key) => `${key} = ${canonicalJson(rest[key])}`);
  const first = Array.isArray(command) ? [words(command.map(String))] : [];
  return [...first, ...others].join(", ");
}

/** A bare word contains nothing that separates words or keys, so a list has only one spelling. */
function words(command: readonly string[]): string {
  return command.map((word) => /^[\w@%+:./-]+$/.test(word) ? word : JSON.stringify(word)).join(" ");
}

/** JSON with sorted keys: equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_, each: unknown) =>
      each !== null && typeof each === "object" && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => a < b ? -1 : 1))
        : each,
  ) ?? "null";
}

/**
 * The hash by which a list of executables is remembered.
 *
 * @param list The list from {@linkcode executables}.
 */
export function hashExecutables(list: readonly Executable[]): string {
  const rows = list.map(({ kind, name, run, file }) => [kind, name, run, file]);
  return createHash("sha256").update(JSON.stringify(rows)).digest("hex");
}

/** Whether two executables are the same command, whichever files name them. */
export function isSameCommand(a: Executable, b: Executable): boolean {
  return a.kind === b.kind && a.name === b.name && a.run === b.run;
}
