import { findBranchProblem } from "../../git/branch_name.ts";
import { findCircle } from "./find_circle.ts";
import { describeJson, findRepeatedKeys, formatJsonPath, jsonLocator } from "./locate_json.ts";
import { isDone, toPriority } from "./normalize_prd.ts";
import { inspectPrd, stripBom, valueAt } from "./parse_prd.ts";
import type { Prd, Story } from "./prd.ts";
import { isUnfilled, UNFILLED_HINT, unfilledMessage } from "./unfilled_story.ts";

/** Options for {@linkcode checkPrd}. */
export interface CheckPrdOptions {
  /** How messages name the file. @default {"prd.json"} */
  file?: string | undefined;
}

/** Something in a prd.json that a person should know. */
export interface PrdFinding {
  /** An error stops the work on a story or on all; a warning does not. */
  level: "error" | "warning";
  /** The JSON path, such as `userStories[3].priority`; empty for the whole file. */
  path: string;
  /** The line, from 1; absent if there is none. */
  line?: number | undefined;
  /** What it is. */
  message: string;
  /** How to fix it, if ralph knows. */
  hint?: string | undefined;
}

type Path = (string | number)[];
type Draft = Pick<PrdFinding, "level" | "message" | "hint"> & { at: Path };

/**
 * Checks a prd.json: its syntax, its shape, and whether its stories can all be worked on. Pure.
 *
 * @example Usage
 * ```ts
 * import { checkPrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const [finding] = checkPrd('[{ "id": "A", "steps": ["try it"], "dependsOn": ["B"] }]');
 * assertEquals(finding?.message, 'Story "A" needs "B", and there is no such story');
 * ```
 *
 * @param text The text of the file.
 * @returns What was found, in the order of the file; empty if all is well.
 */
export function checkPrd(text: string, options: CheckPrdOptions = {}): PrdFinding[] {
  const { data, prd, errors } = inspectPrd(text, options);
  if (!prd) {
    return errors.map(({ path, line, message }) => ({
      level: "error",
      path: path ?? "",
      line,
      message,
    }));
  }
  const drafts = [
    ...checkHeader(prd),
    ...checkIds(prd.stories),
    ...prd.stories.flatMap((story) => checkStory(story, prd.stories, valueAt(data, story.path))),
    ...checkCircles(prd.stories),
  ];
  const json = stripBom(text);
  const locate = jsonLocator(json);
  const findings: PrdFinding[] = drafts.map(({ at, ...draft }) => ({
    ...draft,
    path: formatJsonPath(at),
    line: locate(at).line,
  }));
  for (const { path, line } of findRepeatedKeys(json)) {
    const name = formatJsonPath(path);
    findings.push({
      level: "error",
      path: name,
      line,
      message: `${name} appears more than once in its object`,
      hint: "only the last one counts: remove the others",
    });
  }
  return findings.sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function checkHeader(prd: Prd): Draft[] {
  const drafts: Draft[] = [];
  for (const key of ["branchName", "mergeTarget"] as const) {
    const name = prd[key];
    const problem = name === null ? undefined : findBranchProblem(name);
    if (problem !== undefined) {
      const message = `${key} is ${
        describeJson(name)
      }, which is not a safe branch name: it ${problem}`;
      drafts.push({ level: "error", at: [key], message });
    }
  }
  if (prd.stories.length === 0) {
    drafts.push({ level: "warning", at: [], message: "There are no stories" });
  }
  return drafts;
}

function checkIds(stories: Story[]): Draft[] {
  const first = new Map<string, Story>();
  return stories.flatMap((story): Draft[] => {
    const other = first.get(story.id);
    first.set(story.id, other ?? story);
    if (!other) return [];
    const message = `Story id "${story.id}" is already used by ${formatJsonPath(other.path)}`;
    return [{ level: "error", at: [...story.path, "id"], message }];
  });
}

function checkStory(story: Story, stories: Story[], raw: unknown): Draft[] {
  const drafts: Draft[] = [];
  const name = `Story "${story.id}"`;
  const at = (key: string): Path => [...story.path, key];
  const known = (id: string) => stories.some((other) => other.id === id);
  const listOf = (id: string) => {
    const list = valueAt(raw, ["blockedBy"]);
    const found = Array.isArray(list) && list.some((value) => String(value).trim() === id);
    return found ? "blockedBy" : "dependsOn";
  };

  for (const id of story.dependsOn.filter((id) => !known(id))) {
    const message = `${name} needs "${id}", and there is no such story`;
    drafts.push({ level: story.passes ? "warning" : "error", at: at(listOf(id)), message });
  }
  for (const id of story.blocks.filter((id) => !known(id))) {
    const message = `${name} says that it blocks "${id}", and there is no such story`;
    drafts.push({ level: "warning", at: at("blocks"), message });
  }
  if (story.decision?.status === "pending" && !story.passes) {
    const file = story.decision.inputFile;
    drafts.push({
      level: "warning",
      at: at("decisionConfig"),
      message: `${name} waits for a decision${file === undefined ? "" : ` in ${file}`}`,
      hint: 'decide, then set decisionConfig.status to "answered"',
    });
  }
  if (!story.passes && isUnfilled(story)) {
    const message = unfilledMessage(story);
    drafts.push({ level: "error", at: story.path, message, hint: UNFILLED_HINT });
  }
  if (story.criteria.length === 0) {
    drafts.push({ level: "warning", at: story.path, message: `${name} has no criteria` });
  }
  const open = countUnticked(raw);
  if (story.passes && open > 0) {
    const message = `${name} passes, and ${open} of its ${story.criteria.length} criteria ${
      open === 1 ? "does" : "do"
    } not`;
    drafts.push({ level: "warning", at: at("passes"), message });
  }
  const status = valueAt(raw, ["status"]);
  const passes = valueAt(raw, ["passes"]);
  if (
    typeof status === "string" && typeof passes === "boolean" && isDone(status) && !passes
  ) {
    const message =
      `${name} has the status "${status}" and passes false, and passes is what counts`;
    drafts.push({ level: "warning", at: at("status"), message });
  }
  const priority = valueAt(raw, ["priority"]);
  if (typeof priority === "string" && toPriority(priority) === undefined) {
    const message = `${name} has the priority "${priority}", which is not known: it runs last`;
    const hint = 'write a number, "high", "medium", "low" or "P0" to "P2"';
    drafts.push({ level: "warning", at: at("priority"), message, hint });
  }
  return drafts;
}

/** Criteria that are plain strings cannot be ticked, so only objects count. */
function countUnticked(raw: unknown): number {
  const list = valueAt(raw, ["acceptanceCriteria"]);
  if (!Array.isArray(list)) return 0;
  return list.filter((item) => typeof item === "object" && valueAt(item, ["passes"]) !== true)
    .length;
}

/** A story that passes blocks no other, so only a circle of open ones is an error. */
function checkCircles(stories: Story[]): Draft[] {
  const open = findCircle(stories.filter((story) => !story.passes));
  const circle = open ?? findCircle(stories);
  const first = stories.find(({ id }) => id === circle?.[0]);
  if (!circle || !first) return [];
  const message = `Stories wait for each other in a circle: ${
    [...circle, first.id].map((id) => `"${id}"`).join(" needs ")
  }`;
  return [{ level: open ? "error" : "warning", at: first.path, message }];
}
