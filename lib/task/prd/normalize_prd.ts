import type { Criterion, Decision, Prd, Story } from "./prd.ts";
import type { CriterionInput, PrdInput, StoryInput } from "./prd_input.ts";

/** The priority of a story that has none, or one that is not understood. */
const NO_PRIORITY = 999;

const PRIORITY_WORDS: Record<string, number> = {
  critical: 0,
  urgent: 0,
  high: 1,
  medium: 2,
  normal: 2,
  low: 3,
};

/**
 * Normalizes a PRD of any dialect. Pure.
 *
 * @param input The checked parts of the PRD.
 */
export function normalizePrd(input: PrdInput): Prd {
  const { header } = input;
  return {
    ...optional("schemaVersion", header.schemaVersion),
    project: header.project || header.name || header.productName || header.feature?.name || "",
    description: header.description || header.feature?.description || "",
    branchName: header.branchName || null,
    mergeTarget: header.mergeTarget || null,
    autoMerge: header.autoMerge ?? false,
    pauseBetweenStories: header.pauseBetweenStories ?? false,
    ...optional("type", header.type),
    ...optional("agent", header.agent),
    ...optional("model", header.model),
    notes: header.notes ?? "",
    ...(header.failoverThreshold ? { failoverThreshold: header.failoverThreshold } : {}),
    checks: [header.checks ?? Object.values(header.verificationCommands ?? {})].flat()
      .filter((check) => check.trim() !== ""),
    phases: (header.phases ?? []).map((phase, index) => ({
      id: String(phase.id ?? index + 1),
      name: phase.name ?? String(phase.id ?? index + 1),
      description: phase.description ?? "",
    })),
    stories: input.stories.map((story, index) =>
      normalizeStory(story, index, [...input.listPath, index])
    ),
  };
}

function normalizeStory(story: StoryInput, index: number, path: (string | number)[]): Story {
  const id = String(story.id ?? "").trim() || String(index + 1);
  const description = story.description || story.details || "";
  const decision = toDecision(story);
  return {
    id,
    title: story.title || story.name || firstLine(description) || id,
    description,
    criteria: toCriteria(story),
    priority: toPriority(story.priority) ?? NO_PRIORITY,
    passes: story.passes ?? (story.status === undefined ? story.tested : isDone(story.status)) ??
      false,
    notes: story.notes ?? "",
    ...optional("agent", story.agent),
    ...optional("model", story.model),
    ...optional("phase", story.phase),
    ...optional("type", story.type),
    dependsOn: toIds([...(story.blockedBy ?? []), ...(story.dependsOn ?? [])]),
    blocks: toIds(story.blocks ?? []),
    decision,
    path,
  };
}

/**
 * Reads a priority: a number, a number as a string, `high` / `medium` / `low`, or `P0`, `P1`, ...
 *
 * @param value The value in the file.
 * @returns The number, lower first; `undefined` if there is none or the word is unknown.
 */
export function toPriority(value: string | number | null | undefined): number | undefined {
  if (typeof value === "number") return value;
  const word = (value ?? "").trim().toLowerCase();
  if (word === "") return undefined;
  const number = Number(word.replace(/^p(?=\d)/, ""));
  return Number.isFinite(number) ? number : PRIORITY_WORDS[word];
}

/**
 * Whether a `status` means that a story is done.
 *
 * @param status The value in the file.
 * @returns Whether it is `done` or `completed`.
 */
export function isDone(status: string): boolean {
  return ["done", "completed"].includes(status.trim().toLowerCase());
}

function toCriteria(story: StoryInput): Criterion[] {
  const lists: (CriterionInput[] | null | undefined)[] = [
    story.acceptanceCriteria,
    story.acceptance,
    story.steps,
    story.testSteps,
    story.tests,
    story.actionItems,
  ];
  const list = lists.find((list) => list && list.length > 0) ?? [];
  return list.map((criterion) =>
    typeof criterion === "string"
      ? { description: criterion, passes: false }
      : { description: criterion.description, passes: criterion.passes ?? false }
  );
}

function toDecision({ decisionConfig: config, type }: StoryInput): Decision | undefined {
  // A decision gate without a config is still pending.
  if (!config) return type === "decision-gate" ? { status: "pending" } : undefined;
  return {
    status: config.status ?? "pending",
    ...optional("slug", config.slug),
    ...optional("inputFile", config.inputFile),
  };
}

function toIds(ids: (string | number)[]): string[] {
  return [...new Set(ids.map((id) => String(id).trim()))].filter((id) => id !== "");
}

function firstLine(text: string): string {
  return text.trim().split(/\r?\n/, 1)[0] ?? "";
}

/** The normal form has no key for an absent, null or empty value. */
function optional<K extends string>(
  key: K,
  value: string | number | null | undefined,
): { [P in K]?: string } {
  return value === undefined || value === null || value === ""
    ? {}
    : { [key]: String(value) } as { [P in K]: string };
}
