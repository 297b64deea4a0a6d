import * as z from "zod";

/** A criterion as written in a file. */
export type CriterionInput = string | {
  description: string;
  passes?: boolean | null | undefined;
};

/** A story as written in a file of any dialect, without keys that no dialect defines. */
export interface StoryInput {
  id?: string | number | null | undefined;
  title?: string | null | undefined;
  name?: string | undefined;
  description?: string | null | undefined;
  details?: string | undefined;
  acceptanceCriteria?: CriterionInput[] | null | undefined;
  acceptance?: CriterionInput[] | undefined;
  steps?: CriterionInput[] | undefined;
  testSteps?: CriterionInput[] | undefined;
  tests?: CriterionInput[] | undefined;
  actionItems?: CriterionInput[] | undefined;
  priority?: string | number | null | undefined;
  passes?: boolean | null | undefined;
  status?: string | undefined;
  tested?: boolean | undefined;
  notes?: string | null | undefined;
  agent?: string | null | undefined;
  model?: string | null | undefined;
  phase?: string | number | null | undefined;
  type?: string | null | undefined;
  blockedBy?: (string | number)[] | null | undefined;
  dependsOn?: (string | number)[] | null | undefined;
  blocks?: (string | number)[] | null | undefined;
  decisionConfig?:
    | {
      status?: "pending" | "answered" | "applied" | null | undefined;
      slug?: string | null | undefined;
      inputFile?: string | null | undefined;
    }
    | null
    | undefined;
}

/** The fields around the stories, in any dialect. */
export interface PrdHeaderInput {
  schemaVersion?: string | number | null | undefined;
  project?: string | null | undefined;
  name?: string | undefined;
  productName?: string | undefined;
  feature?: { name?: string | undefined; description?: string | undefined } | undefined;
  description?: string | null | undefined;
  branchName?: string | null | undefined;
  mergeTarget?: string | null | undefined;
  autoMerge?: boolean | null | undefined;
  pauseBetweenStories?: boolean | null | undefined;
  type?: string | null | undefined;
  agent?: string | null | undefined;
  model?: string | null | undefined;
  notes?: string | null | undefined;
  failoverThreshold?: number | null | undefined;
  checks?: string | string[] | null | undefined;
  verificationCommands?: Record<string, string> | undefined;
  phases?:
    | {
      id?: string | number | undefined;
      name?: string | undefined;
      description?: string | undefined;
    }[]
    | null
    | undefined;
}

/** An invalid value. */
export interface PrdIssue {
  /** Where it is. */
  path: (string | number)[];
  /** What is expected there, in words. */
  expected: string;
}

/** The parts of a checked file. */
export interface PrdInput {
  /** The fields around the stories. */
  header: PrdHeaderInput;
  /** The stories, in the order of the file. */
  stories: StoryInput[];
  /** The path of the list of stories. */
  listPath: string[];
}

interface Schemas {
  header: z.ZodType<PrdHeaderInput>;
  stories: z.ZodType<StoryInput[]>;
}

let schemas: Schemas | undefined;

// Built at first use, to keep imports cheap.
function getSchemas(): Schemas {
  return schemas ??= buildSchemas();
}

/**
 * Keys of the newest form are checked. Keys that only other dialects have (`name`, `status`,
 * `steps`, ...) are used where they fit and ignored where they do not: they may mean something
 * else.
 */
function buildSchemas(): Schemas {
  const string = z.string({ error: "a string" });
  const text = string.nullish();
  const flag = z.boolean({ error: "true or false" }).nullish();
  const idOf = z.union([z.string(), z.number()], { error: "a string or a number" });
  const ids = z.array(idOf, { error: "a list of story ids" }).nullish();
  const whole = "a whole number above 0";
  const criterion = z.union([
    z.string(),
    z.object({ description: string, passes: flag }),
  ], { error: 'a string or {"description": ..., "passes": ...}' });
  const criteria = z.preprocess(
    (value) => typeof value === "string" ? [value] : value,
    z.array(criterion, { error: "a list of criteria" }).nullish(),
  );
  const otherCriteria = criteria.optional().catch(undefined);
  const otherText = z.string().optional().catch(undefined);

  const story = z.object({
    id: idOf.nullish(),
    title: text,
    name: otherText,
    description: text,
    details: otherText,
    acceptanceCriteria: criteria,
    acceptance: otherCriteria,
    steps: otherCriteria,
    testSteps: otherCriteria,
    tests: otherCriteria,
    actionItems: otherCriteria,
    priority: z.union([z.number(), z.string()], {
      error: 'a number, "high", "medium", "low" or "P0" to "P2"',
    }).nullish(),
    passes: flag,
    status: otherText,
    tested: z.boolean().optional().catch(undefined),
    notes: text,
    agent: text,
    model: text,
    phase: idOf.nullish(),
    type: text,
    blockedBy: ids,
    dependsOn: ids,
    blocks: ids,
    decisionConfig: z.object({
      status: z.enum(["pending", "answered", "applied"], {
        error: '"pending", "answered" or "applied"',
      }).nullish(),
      slug: text,
      inputFile: text,
    }, { error: "an object" }).nullish(),
  }, { error: "a story, which is an object" }) as z.ZodType<StoryInput>;

  const header = z.object({
    schemaVersion: idOf.nullish(),
    project: text,
    name: otherText,
    productName: otherText,
    feature: z.object({ name: otherText, description: otherText }).optional().catch(undefined),
    description: text,
    branchName: text,
    mergeTarget: text,
    autoMerge: flag,
    pauseBetweenStories: flag,
    type: text,
    agent: text,
    model: text,
    notes: text,
    failoverThreshold: z.number({ error: whole }).int({ error: whole }).min(1, { error: whole })
      .nullish(),
    checks: z.preprocess(
      (value) => typeof value === "string" ? [value] : value,
      z.array(string, { error: "a command or a list of commands" }).nullish(),
    ),
    // The name of `checks` in another dialect; values that are not commands are ignored.
    verificationCommands: z.record(z.string(), z.unknown()).transform((commands) =>
      Object.fromEntries(Object.entries(commands).filter(([, each]) => typeof each === "string"))
    ).optional().catch(undefined),
    phases: z.array(
      z.object({ id: idOf.optional(), name: otherText, description: otherText }, {
        error: "a phase, which is an object",
      }),
      { error: "a list of phases" },
    ).nullish(),
  }) as z.ZodType<PrdHeaderInput>;

  return { header, stories: z.array(story) };
}

/**
 * Checks a value that was read from a prd.json, in any dialect.
 *
 * @returns The parts of the PRD, or every invalid value.
 */
export function checkPrdInput(data: unknown): PrdInput | { issues: PrdIssue[] } {
  const found = findStories(data);
  if ("issues" in found) return found;
  const { header, stories } = getSchemas();
  const head = header.safeParse(Array.isArray(data) ? {} : data);
  const list = stories.safeParse(found.list);
  const issues = [
    ...(head.error?.issues ?? []).flatMap((issue) => toIssues(issue, [])),
    ...(list.error?.issues ?? []).flatMap((issue) => toIssues(issue, found.listPath)),
  ];
  if (!head.success || !list.success) return { issues };
  return { header: head.data, stories: list.data, listPath: found.listPath };
}

function findStories(
  data: unknown,
): { list: unknown[]; listPath: string[] } | { issues: PrdIssue[] } {
  if (Array.isArray(data)) return { list: data, listPath: [] };
  if (typeof data !== "object" || data === null) {
    return { issues: [{ path: [], expected: "an object or a list of stories" }] };
  }
  const root = data as Record<string, unknown>;
  const keys = ["userStories", "stories", "features", "tasks"];
  const lists = keys.filter((key) => Array.isArray(root[key]));
  const key = lists.find((key) => (root[key] as unknown[]).length > 0) ?? lists[0];
  if (key !== undefined) return { list: root[key] as unknown[], listPath: [key] };
  if (isEmptyList(root.phases) && isEmptyList(root.bugs)) {
    return { list: [], listPath: ["userStories"] };
  }
  return { issues: [{ path: ["userStories"], expected: "a list of stories" }] };
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

/**
 * Descends into the branch of a union that fits in kind, to name the value that is really wrong.
 */
function toIssues(issue: z.core.$ZodIssue, base: (string | number)[]): PrdIssue[] {
  const path = [
    ...base,
    ...issue.path.map((part) => typeof part === "symbol" ? String(part) : part),
  ];
  if (issue.code === "invalid_union") {
    const branch = issue.errors.find((errors) => errors.every(({ path }) => path.length > 0));
    if (branch) return branch.flatMap((inner) => toIssues(inner, path));
  }
  return [{ path, expected: issue.message }];
}
