import { relative } from "node:path";
import type { Prd } from "../../task/prd/prd.ts";
import { readProjectTemplate } from "../../task/prompt/prompt_template.ts";
import type { Task } from "../../task/task.ts";

/** The settings of a project's `ralph.toml`, which the caller has validated. */
export interface ProjectSettings {
  /** Commands that must succeed before a story counts as done. */
  checks?: string[] | undefined;
  /** Commands that are called for events. */
  hooks?: ProjectHook[] | undefined;
  /** The tables of agents, by name. */
  agents?: Record<string, Record<string, unknown>> | undefined;
  /** The table of the OpenCode server. */
  opencode?: { url?: string | undefined } | undefined;
  /** Everything else, such as limits. */
  [key: string]: unknown;
}

/** A hook of a `ralph.toml`. */
export interface ProjectHook {
  /** The types of events. */
  on: string | readonly string[];
  /** The program and its arguments. */
  command: string[];
  /** Its time limit, such as `10s`. */
  timeout?: string | undefined;
}

/** The part of a prd.json that runs commands, or decides what counts and where it goes. */
export interface JudgedPrd {
  /** Its commands that must succeed before a story counts as done. */
  checks: string[];
  /** Failures in a row before another agent takes over. */
  failoverThreshold?: number | undefined;
  /** The branch to merge into at the end; `null` for none. */
  mergeTarget: string | null;
  /** Whether to merge the pull request without asking. */
  autoMerge: boolean;
}

/** A project's own template for prompts. */
export interface JudgedPrompt {
  /** Its path from the root. */
  file: string;
  /** Its text. */
  text: string;
}

/** The files of a repository, as far as they run something or judge the agents for one task. */
export interface TrustedContent {
  /** The path of prd.json from the root, with slashes. */
  prdFile: string;
  /** The settings of `ralph.toml`; empty if there is none. */
  settings: ProjectSettings;
  /** The judged part of prd.json. */
  prd: JudgedPrd;
  /** The project's template for prompts; `null` if it has none. */
  prompt: JudgedPrompt | null;
}

/** A prd.json that judges nothing. */
export const NO_JUDGED_PRD: JudgedPrd = { checks: [], mergeTarget: null, autoMerge: false };

/** The judged part of a PRD. */
export function judgedPrd(prd: Prd): JudgedPrd {
  const { checks, failoverThreshold, mergeTarget, autoMerge } = prd;
  return { checks, failoverThreshold, mergeTarget, autoMerge };
}

/** A PRD with another judged part: its stories, notes and marks are kept. */
export function withJudged(prd: Prd, judged: JudgedPrd): Prd {
  const { failoverThreshold: _, ...rest } = prd;
  const { failoverThreshold, checks, mergeTarget, autoMerge } = judged;
  const whole: Prd = { ...rest, checks, mergeTarget, autoMerge };
  if (failoverThreshold !== undefined) whole.failoverThreshold = failoverThreshold;
  return whole;
}

/** The name of a task in a repository: the path of its folder from the root, with slashes. */
export function taskPath({ root, dir }: Pick<Task, "root" | "dir">): string {
  return relative(root, dir).replaceAll("\\", "/") || ".";
}

/** Puts together what a task's files say now. */
export async function contentOf(
  task: Task,
  { settings, prd }: { settings: ProjectSettings; prd: JudgedPrd },
): Promise<TrustedContent> {
  const found = await readProjectTemplate(task);
  const prompt = found === undefined
    ? null
    : { file: relative(task.root, found.source).replaceAll("\\", "/"), text: found.text };
  return { prdFile: `${taskPath(task)}/prd.json`.replace(/^\.\//, ""), settings, prd, prompt };
}
