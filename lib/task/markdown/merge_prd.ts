import { valueAt } from "../prd/parse_prd.ts";
import type { MarkdownPrd, MarkdownStory, PrdMarkdownWarning } from "./parse_prd_markdown.ts";
import type { Criterion, Prd, Story } from "../prd/prd.ts";
import { PRD_SCHEMA_ID } from "../prd/prd_schema.ts";

/** The `schemaVersion` that is written. */
const SCHEMA_VERSION = "2.5";

/** A story that changed. */
export interface StoryChange {
  /** Its id. */
  id: string;
  /** The fields that changed, such as `title`. */
  fields: string[];
}

/** What a conversion changes in a prd.json. */
export interface PrdChanges {
  /** Fields of the PRD itself that changed; empty if there was no prd.json before. */
  fields: string[];
  /** Ids of stories that are new, in order. */
  added: string[];
  /** Stories that changed, in order. */
  changed: StoryChange[];
  /** Ids of removed stories, in order. */
  removed: string[];
  /** Ids of unchanged stories, in order. */
  kept: string[];
}

/** Options for {@linkcode mergePrd}. */
export interface MergePrdOptions {
  /** The name of the task. */
  task: string;
  /** The task folder as prd.json names it. */
  taskDir: string;
  /** The branch. @default {the one in the existing prd.json, else `ralph/<task>`} */
  branchName?: string | undefined;
  /** The existing prd.json: its normal form, and its JSON value. */
  before?: { prd: Prd; data: unknown } | undefined;
}

/** What {@linkcode mergePrd} returns. */
export interface MergedPrd {
  /** The value of the new prd.json. */
  data: Record<string, unknown>;
  /** What is different. */
  changes: PrdChanges;
  /** Stories that passed before they changed. */
  warnings: PrdMarkdownWarning[];
}

type Json = Record<string, unknown>;

/**
 * Makes the value of a prd.json from a parsed prd.md and the existing prd.json. Pure.
 * {@linkcode convertPrd} describes what is kept of the existing one.
 *
 * @param parsed The parts of the prd.md.
 * @param options The task, and what was there before.
 * @returns The value, and what is different.
 */
export function mergePrd(parsed: MarkdownPrd, options: MergePrdOptions): MergedPrd {
  const { before } = options;
  const old: Json = isObject(before?.data) ? before.data : {};
  const oldStories = new Map<string, Story>();
  for (const story of before?.prd.stories ?? []) {
    if (!oldStories.has(story.id)) oldStories.set(story.id, story);
  }
  const changes: PrdChanges = { fields: [], added: [], changed: [], removed: [], kept: [] };
  const warnings: PrdMarkdownWarning[] = [];

  const stories = parsed.stories.map((story, index) => {
    const oldStory = oldStories.get(story.id);
    const raw = oldStory && valueAt(before?.data, oldStory.path);
    const made = makeStory(story, index + 1, oldStory);
    const fields = oldStory ? changedFields(made, oldStory) : [];
    if (!oldStory) changes.added.push(story.id);
    else if (fields.length > 0) changes.changed.push({ id: story.id, fields });
    else changes.kept.push(story.id);
    if (oldStory?.passes && wordsOf(story.criteria) !== wordsOf(oldStory.criteria)) {
      const message = `Story "${story.id}" passed before its criteria changed, and still passes`;
      warnings.push({ line: story.line, message });
    }
    return overlay(isObject(raw) ? raw : {}, made);
  });
  const ids = new Set(parsed.stories.map(({ id }) => id));
  for (const story of oldStories.values()) {
    if (ids.has(story.id)) continue;
    const raw = valueAt(before?.data, story.path);
    // A story that an agent added was never in the markdown, so it was not removed from it.
    if (isObject(raw) && raw.spawnedBy) {
      stories.push(raw);
      changes.kept.push(story.id);
    } else {
      changes.removed.push(story.id);
    }
  }

  const header = makeHeader(parsed, old, options);
  if (before) {
    changes.fields = Object.keys(header).filter((key) => header[key] !== old[key]);
  }
  const listKey = String(before?.prd.stories[0]?.path[0] ?? "userStories");
  const rest = Object.fromEntries(
    Object.entries(old).filter(([key]) => key === "userStories" || key !== listKey),
  );
  return { data: overlay(rest, { ...header, userStories: stories }), changes, warnings };
}

function makeHeader(parsed: MarkdownPrd, old: Json, options: MergePrdOptions): Json {
  const before = options.before?.prd;
  const title = parsed.title ?? (before?.project || options.task);
  const description = [title, parsed.introduction].filter(Boolean).join(" - ");
  return {
    // A file that has none keeps its form.
    $schema: before === undefined ? PRD_SCHEMA_ID : old.$schema,
    schemaVersion: SCHEMA_VERSION,
    project: keptProject(before) ?? title,
    taskDir: options.taskDir,
    branchName: options.branchName ??
      (Object.hasOwn(old, "branchName") ? old.branchName : `ralph/${options.task}`),
    mergeTarget: parsed.mergeTarget === undefined ? old.mergeTarget ?? null : parsed.mergeTarget,
    autoMerge: before?.autoMerge ?? false,
    pauseBetweenStories: before?.pauseBetweenStories ?? false,
    type: parsed.type ?? before?.type ?? "feature",
    description,
  };
}

/**
 * A project name that its own description begins with was taken from the title, so it follows it.
 */
function keptProject(before: Prd | undefined): string | undefined {
  if (!before || before.project === "") return undefined;
  const { project, description } = before;
  const made = description === project || description.startsWith(`${project} - `);
  return made ? undefined : project;
}

function makeStory(story: MarkdownStory, priority: number, old: Story | undefined): Json {
  return {
    id: story.id,
    title: story.title || story.id,
    description: story.description,
    acceptanceCriteria: keepTicks(story.criteria, old?.criteria ?? []),
    priority,
    passes: old?.passes ?? false,
    notes: old?.notes ?? "",
  };
}

/** The same words may appear twice: the first keeps the tick of the first, and so on. */
function keepTicks(criteria: Criterion[], old: Criterion[]): Criterion[] {
  const left = [...old];
  return criteria.map(({ description, passes }) => {
    const index = left.findIndex((criterion) => criterion.description === description);
    const [same] = index < 0 ? [] : left.splice(index, 1);
    return { description, passes: passes || (same?.passes ?? false) };
  });
}

function changedFields(made: Json, old: Story): string[] {
  const fields: string[] = [];
  if (made.title !== old.title) fields.push("title");
  if (made.description !== old.description) fields.push("description");
  if (JSON.stringify(made.acceptanceCriteria) !== JSON.stringify(old.criteria)) {
    fields.push("acceptanceCriteria");
  }
  if (made.priority !== old.priority) fields.push("priority");
  return fields;
}

function wordsOf(criteria: Criterion[]): string {
  return JSON.stringify(criteria.map(({ description }) => description));
}

/** Existing keys keep their places, new ones come after them. */
function overlay(old: Json, made: Json): Json {
  return { ...old, ...made };
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
