import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { shellWord } from "../../base/shell_word.ts";
import { readPrd } from "../../task/prd/read_prd.ts";
import type { Task } from "../../task/task.ts";
import { describeDifference, difference } from "./difference.ts";
import { canonicalJson, executables, hashExecutables } from "./executables.ts";
import type { Judge } from "./judge.ts";
import {
  accept,
  acceptedContent,
  decideConsent,
  SETTINGS_FILE,
  type TrustRecord,
} from "./trust_record.ts";
import type { TrustStore } from "./trust_store.ts";
import {
  contentOf,
  judgedPrd,
  NO_JUDGED_PRD,
  type ProjectSettings,
  taskPath,
  type TrustedContent,
  withJudged,
} from "./trusted_content.ts";

/** Options for {@linkcode trustJudge}. */
export interface TrustJudgeOptions {
  /** The record of the repository. */
  store: TrustStore;
  /** Reads the `ralph.toml` of the repository. */
  readSettings: () => Promise<ProjectSettings>;
  /** The user's own checks, which count if `ralph.toml` has no `checks`. @default {none} */
  checks?: readonly string[] | undefined;
}

/**
 * Judges by what a person has accepted with `ralph trust`, also while the loop runs. Until it is
 * disposed of, and after a crash, the record says that a session may have changed what judges it.
 */
export function trustJudge(task: Task, options: TrustJudgeOptions): Judge {
  return new TrustJudge(task, options);
}

class TrustJudge implements Judge {
  readonly #task: Task;
  readonly #name: string;
  readonly #options: TrustJudgeOptions;
  readonly #id = randomUUID();
  /** What the files of each accepted task said at the start, as text. */
  #before: Map<string, string> | undefined;
  #template: string | undefined;
  #settled = false;
  #reported = "";

  constructor(task: Task, options: TrustJudgeOptions) {
    this.#task = task;
    this.#name = taskPath(task);
    this.#options = options;
  }

  get template(): string | undefined {
    return this.#template;
  }

  async review(prd: Parameters<Judge["review"]>[0]): ReturnType<Judge["review"]> {
    const { store, checks = [] } = this.#options;
    const settings = await this.#settings();
    const now = await contentOf(this.#task, { settings, prd: judgedPrd(prd) });
    const record = this.#before === undefined ? await this.#begin(now) : await store.read();
    const accepted = acceptedContent(record, { task: this.#name, prdFile: now.prdFile });
    this.#template = accepted.prompt?.text;
    const changes = describeDifference(difference(accepted, now));
    const isNews = changes !== this.#reported && changes !== "";
    this.#reported = changes;
    return {
      prd: withJudged(prd, {
        ...accepted.prd,
        checks: [...accepted.settings.checks ?? checks, ...accepted.prd.checks],
      }),
      warning: isNews
        ? `${changes}: it does not count until a person accepts it: ` +
          `ralph trust ${shellWord(this.#task.name)}`
        : undefined,
    };
  }

  /** Only one session runs in a work tree: those that are still recorded there are dead. */
  async #begin(now: TrustedContent): Promise<TrustRecord> {
    const { store } = this.#options;
    const { root } = this.#task;
    const before = this.#before = await this.#contents(await store.read());
    return await store.update((record) => {
      const facts = { record, task: this.#name, root, now, trustedFolder: false };
      // The branch that the loop has switched to may hold commands that were accepted earlier.
      const known = record.hashes.includes(hashExecutables(executables(now))) &&
        decideConsent(facts).kind === "accept";
      const current = known ? accept(record, this.#name, now) : record;
      const sessions = Object.entries(current.sessions).flatMap(([id, session]) => {
        if (session.root !== root) return [[id, session] as const];
        const open = session.tasks ?? [...before.keys()];
        const tasks = open.filter((each) => before.get(each) !== acceptedText(current, each));
        return tasks.length === 0 ? [] : [[id, { root, tasks }] as const];
      });
      return { ...current, sessions: { ...Object.fromEntries(sessions), [this.#id]: { root } } };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#before === undefined || this.#settled) return;
    this.#settled = true;
    try {
      await this.#settle(this.#before);
    } catch {
      // Such as on a full disk. Then any task may have been changed, which is the safe side.
    }
  }

  async #settle(before: ReadonlyMap<string, string>): Promise<void> {
    const { store } = this.#options;
    const { root } = this.#task;
    const after = await this.#contents(await store.read());
    await store.update((record) => {
      const { [this.#id]: _, ...sessions } = record.sessions;
      const tasks = [...after.keys()].filter((each) =>
        after.get(each) !== before.get(each) && after.get(each) !== acceptedText(record, each)
      );
      return {
        ...record,
        sessions: tasks.length === 0 ? sessions : { ...sessions, [this.#id]: { root, tasks } },
      };
    });
  }

  /** What `ralph.toml` and each accepted task of this work tree say now, as text. */
  async #contents(record: TrustRecord): Promise<Map<string, string>> {
    const { root } = this.#task;
    const names = [...new Set([...Object.keys(record.tasks), this.#name])];
    const texts = names.map(async (name): Promise<[string, string]> => {
      const dir = join(root, name);
      const task = { ...this.#task, dir };
      const prd = await readPrd(join(dir, "prd.json")).then(judgedPrd, () => NO_JUDGED_PRD);
      const content = await contentOf(task, { settings: {}, prd }).catch(() => undefined);
      return [name, textOf(content)];
    });
    const settings = canonicalJson(await this.#settings());
    return new Map([[SETTINGS_FILE, settings], ...await Promise.all(texts)]);
  }

  /** A `ralph.toml` that cannot be read is a change like any other, and does not end the loop. */
  async #settings(): Promise<ProjectSettings> {
    try {
      return await this.#options.readSettings();
    } catch (error) {
      return { "all that it says": error instanceof Error ? error.message : String(error) };
    }
  }
}

function textOf(content: TrustedContent | undefined): string {
  return canonicalJson(content === undefined ? null : [content.prd, content.prompt]);
}

function acceptedText(record: TrustRecord, name: string): string {
  if (name === SETTINGS_FILE) return canonicalJson(record.settings ?? {});
  return textOf(acceptedContent(record, { task: name, prdFile: "" }));
}
