import { z } from "zod";
import { commandsDiffer, difference, differs, type TrustDifference } from "./difference.ts";
import { type Executable, executables, hashExecutables, isSameCommand } from "./executables.ts";
import {
  type JudgedPrd,
  NO_JUDGED_PRD,
  type ProjectSettings,
  type TrustedContent,
} from "./trusted_content.ts";

const prdSchema = z.object({
  checks: z.array(z.string()),
  failoverThreshold: z.number().optional(),
  mergeTarget: z.string().nullable(),
  autoMerge: z.boolean(),
});

/** The schema of a {@linkcode TrustRecord}. */
export const trustRecordSchema = z.object({
  version: z.literal(1),
  repository: z.string(),
  identity: z.string(),
  settings: z.record(z.string(), z.unknown()).optional(),
  tasks: z.record(
    z.string(),
    z.object({
      prd: prdSchema,
      prompt: z.object({ file: z.string(), text: z.string() }).nullable(),
    }),
  ),
  hashes: z.array(z.string()),
  sessions: z.record(
    z.string(),
    z.object({ root: z.string(), tasks: z.array(z.string()).optional() }),
  ),
});

/** What a person has accepted of one task. */
export interface TaskTrust {
  /** The judged part of its prd.json. */
  prd: JudgedPrd;
  /** The project's template for its prompts; `null` for none. */
  prompt: TrustedContent["prompt"];
}

/** What a person has accepted of one repository, in all of its work trees. */
export interface TrustRecord {
  /** The version of the format. */
  version: 1;
  /** The git folder that all work trees of the repository share. */
  repository: string;
  /** What identifies that folder after a move. */
  identity: string;
  /** The accepted settings of `ralph.toml`; absent if nobody has seen them. */
  settings?: ProjectSettings | undefined;
  /** What was accepted of each task, by its path from the root. */
  tasks: Record<string, TaskTrust>;
  /** Hashes of the lists of commands that were ever accepted, oldest first. */
  hashes: string[];
  /**
   * Sessions that may have changed what judges them. `tasks` names the tasks whose files they left
   * changed; a session that runs, or that was killed, has none: any task may be changed.
   */
  sessions: Record<string, { root: string; tasks?: string[] | undefined }>;
}

const HASHES_MAX = 500;

/** What is accepted for a task; nothing of what nobody has seen. */
export function acceptedContent(
  record: TrustRecord,
  { task, prdFile }: { task: string; prdFile: string },
): TrustedContent {
  const { prd = NO_JUDGED_PRD, prompt = null } = record.tasks[task] ?? {};
  return { prdFile, settings: record.settings ?? {}, prd, prompt };
}

/** Records that a person accepts what a task's files say. */
export function accept(record: TrustRecord, task: string, content: TrustedContent): TrustRecord {
  const hash = hashExecutables(executables(content));
  const { settings, prd, prompt } = content;
  const sessions = Object.entries(record.sessions).flatMap(([id, session]) => {
    if (session.tasks === undefined) return [[id, session] as const];
    const tasks = session.tasks.filter((each) => each !== task && each !== SETTINGS_FILE);
    return tasks.length === 0 ? [] : [[id, { ...session, tasks }] as const];
  });
  return {
    ...record,
    settings,
    tasks: { ...record.tasks, [task]: { prd, prompt } },
    hashes: [...record.hashes.filter((each) => each !== hash), hash].slice(-HASHES_MAX),
    sessions: Object.fromEntries(sessions),
  };
}

/** The name under which a session's changes of `ralph.toml` are remembered, beside its tasks. */
export const SETTINGS_FILE = "ralph.toml";

/** Whether a session may have changed a task's files, or `ralph.toml`, since they were accepted. */
function isDoubtful(
  { record, task, root }: ConsentFacts,
  { rules, ...found }: TrustDifference,
): boolean {
  const first = record.tasks[task] === undefined;
  // A task that is new has no files that were accepted, so only ralph.toml can have been changed.
  const concerns = !first ||
    [...found.added, ...found.removed, ...rules].some(({ file }) => file === SETTINGS_FILE);
  // What a session has left changed may have come here by git; one that runs writes where it is.
  return concerns &&
    Object.values(record.sessions).some((session) =>
      session.tasks === undefined
        ? session.root === root
        : session.tasks.includes(SETTINGS_FILE) || session.tasks.includes(task)
    );
}

/** What to do about the files of a task before it runs. */
export type Consent =
  /** They are as accepted. */
  | { kind: "same" }
  /** They need no question: accept them. */
  | { kind: "accept" }
  /** An agent may have changed rules, but no command: go on as accepted, and say so. */
  | { kind: "keep" }
  /** A person must see the commands first. */
  | { kind: "ask"; first: boolean; difference: TrustDifference };

/** The facts for {@linkcode decideConsent}. */
export interface ConsentFacts {
  /** The repository's record. */
  record: TrustRecord;
  /** The path of the task from the root. */
  task: string;
  /** The root of the work tree. */
  root: string;
  /** What its files say. */
  now: TrustedContent;
  /** Whether it lies below a folder that the user trusts. */
  trustedFolder: boolean;
}

/**
 * Decides whether a person must be asked before a task runs.
 *
 * A change that a session may have made is never accepted without a person, not even below a
 * trusted folder. A change made while nothing ran is a person's own or came with the repository:
 * then only new or missing commands are asked about.
 */
export function decideConsent(facts: ConsentFacts): Consent {
  const { record, task, now, trustedFolder } = facts;
  const found = difference(acceptedContent(record, { task, prdFile: now.prdFile }), now);
  const first = record.tasks[task] === undefined;
  if (!differs(found)) return first ? { kind: "accept" } : { kind: "same" };
  const ask: Consent = { kind: "ask", first, difference: found };
  if (isDoubtful(facts, found)) return first || commandsDiffer(found) ? ask : { kind: "keep" };
  if (trustedFolder || record.hashes.includes(hashExecutables(executables(now)))) {
    return { kind: "accept" };
  }
  const known = knownCommands(record);
  const isNew = (each: Executable): boolean => !known.some((other) => isSameCommand(each, other));
  return found.removed.length > 0 || found.added.some(isNew) ? ask : { kind: "accept" };
}

/** Every command that is accepted for any task of the repository. */
function knownCommands(record: TrustRecord): Executable[] {
  return Object.keys({ ...record.tasks, ".": null }).flatMap((task) =>
    executables(acceptedContent(record, { task, prdFile: `${task}/prd.json` }))
  );
}
