import { accept, decideConsent } from "../../guard/trust/trust_record.ts";
import type { TrustDifference } from "../../guard/trust/difference.ts";
import { trustJudge } from "../../guard/trust/trust_judge.ts";
import { taskPath, type TrustedContent } from "../../guard/trust/trusted_content.ts";
import type { Judge } from "../../guard/trust/judge.ts";
import type { Task } from "../../task/task.ts";
import { changeLines, executableLines } from "../../ui/report/trust_lines.ts";
import type { CommandContext } from "../kit/command.ts";
import type { RunFlags } from "../run/option_sources.ts";
import { type RunOptions, runOptions } from "../run/run_options.ts";
import { mergeSettings, readProjectSettings } from "../run/settings.ts";
import { NotTrustedError } from "./not_trusted_error.ts";
import {
  acceptedSettings,
  isInsideSession,
  openTrust,
  readContent,
  type WorkTreeTrust,
} from "./open_trust.ts";

/** Options for {@linkcode ensureTrusted}. */
export interface EnsureTrustedOptions {
  /** Whether the person who typed the command allows everything. */
  trust: boolean;
  /** Whether a question may be asked. */
  ask: boolean;
}

/**
 * Makes sure that a person has allowed what a task's files run. On a terminal it shows the commands
 * and asks; what needs no question is recorded as accepted.
 *
 * @throws {NotTrustedError} If nobody has allowed them, and nobody can be asked or the answer is no.
 */
export async function ensureTrusted(
  task: Task,
  context: CommandContext,
  { trust: allowed, ask }: EnsureTrustedOptions,
): Promise<void> {
  const trust = await openTrust(task.root, context.env);
  const now = await readContent(task, trust);
  if (allowed && !isInsideSession(context.env)) return await record(task, trust, now);
  const consent = decideConsent({
    record: await trust.store.read(),
    task: taskPath(task),
    root: task.root,
    now,
    trustedFolder: trust.trustedFolder,
  });
  switch (consent.kind) {
    case "same":
    case "keep":
      return;
    case "accept":
      return await record(task, trust, now);
    case "ask": {
      const isChange = consent.difference.removed.length > 0 || !consent.first;
      const details = commandLines(consent.difference, isChange);
      const reason = isChange
        ? "what this repository runs or judges by has changed since it was allowed here"
        : "this repository brings commands that nobody has allowed here";
      if (!ask || !context.interactive || isInsideSession(context.env)) {
        throw new NotTrustedError(task.name, reason, details);
      }
      const title = isChange
        ? "What this repository runs or judges by has changed since you allowed it:"
        : "This repository brings commands that will run on this machine:";
      context.stdout.write([title, ...details.map((line) => `  ${line}`), ""].join("\n"));
      if (!await confirmed()) throw new NotTrustedError(task.name, "it was not allowed", []);
      return await record(task, trust, now);
    }
  }
}

function commandLines(found: TrustDifference, isChange: boolean): string[] {
  return isChange ? changeLines(found) : executableLines(found.added);
}

async function confirmed(): Promise<boolean> {
  const { confirm, isCancel } = await import("@clack/prompts");
  const answer = await confirm({ message: "Allow this?", initialValue: false });
  return !isCancel(answer) && answer;
}

async function record(task: Task, { store }: WorkTreeTrust, now: TrustedContent): Promise<void> {
  await store.update((before) => accept(before, taskPath(task), now));
}

/** How a loop runs by what a person has accepted, whatever the files say meanwhile. */
export interface TrustedRun extends RunOptions {
  /** Its judge, which reaches the loop with its other options; dispose of it after the session. */
  judge: Judge;
}

/**
 * Determines how a loop runs as `runOptions` does, but with the accepted `ralph.toml` instead of
 * the one in the work tree.
 */
export async function trustedRun(
  task: Task,
  { flags, env }: { flags: RunFlags; env: Record<string, string | undefined> },
): Promise<TrustedRun> {
  const { store, user } = await openTrust(task.root, env);
  const accepted = await store.read();
  const merged = mergeSettings(user, acceptedSettings(accepted.settings));
  // The judge adds the checks of the settings: what is accepted of them may change during the run.
  const options = await runOptions(task, {
    flags,
    env,
    settings: { ...merged, checks: undefined },
  });
  const judge = trustJudge(task, {
    store,
    // Their schema has made sure of the type.
    checks: user.checks as string[] | undefined,
    readSettings: () => readProjectSettings(task.root),
  });
  return { ...options, judge };
}
