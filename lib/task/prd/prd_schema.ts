import * as z from "zod";
import { VERSION } from "../../version.ts";

/**
 * Where the JSON Schema of prd.json is published. JSR has files below a version only, and what is
 * there never changes: a prd.json means what it meant when it was written.
 */
export const PRD_SCHEMA_ID: string = `https://jsr.io/@ralph/cli/${VERSION}/schemas/prd.schema.json`;

/**
 * Builds the JSON Schema of prd.json (draft 2020-12), published as `schemas/prd.schema.json`. It
 * describes the newest form, which ralph writes and people should write.
 *
 * Unknown keys are allowed everywhere. {@linkcode parsePrd} accepts older forms too.
 *
 * @example Usage
 * ```ts
 * import { prdJsonSchema } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * assertEquals(prdJsonSchema().title, "prd.json");
 * ```
 */
export function prdJsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(prdSchema(), {
    target: "draft-2020-12",
    io: "input",
  });
  return {
    $schema,
    $id: PRD_SCHEMA_ID,
    title: "prd.json",
    description: "The user stories of a task that ralph works on.",
    ...schema,
  };
}

function prdSchema(): z.ZodType {
  const ids = z.array(z.string());
  const idOf = z.union([z.string(), z.int()]);

  const criterion = z.looseObject({
    description: z.string().describe("What must be true."),
    passes: z.boolean().describe("Whether the agent has ticked it."),
  });

  const decision = z.looseObject({
    status: z.enum(["pending", "answered", "applied"])
      .describe("Where the decision stands. Only a pending one blocks the story."),
    slug: z.string().optional().describe("A short name of the decision."),
    inputFile: z.string().optional()
      .describe("The file in which the answer is awaited, relative to the task folder."),
    options: z.array(z.unknown()).optional().describe("What there is to choose from."),
    agentRecommendation: z.string().nullish().describe("What the agent would choose."),
    recommendationReason: z.string().nullish().describe("Why the agent would choose it."),
    confidenceLevel: z.string().nullish().describe("How sure the agent is."),
    userSelection: z.string().nullish().describe("What the user chose."),
    userNotes: z.string().nullish().describe("What the user says about it."),
  });

  const story = z.looseObject({
    id: z.string().min(1).describe("A unique id, such as US-001."),
    title: z.string().describe("The title, in one line."),
    description: z.string().describe("What is wanted, by whom and why."),
    acceptanceCriteria: z.array(criterion).describe("What must be true for the story to pass."),
    priority: z.number().default(999)
      .describe("Lower runs first; stories of the same priority run in the order of the file."),
    passes: z.boolean().describe("Whether the story is done."),
    notes: z.string().optional().describe(
      "Notes for the agent or person who works on it, in markdown.",
    ),
    agent: z.string().optional().describe("The agent that works on this story."),
    model: z.string().optional().describe("The model to use, as provider/model."),
    phase: idOf.optional().describe("The id of the phase that it belongs to."),
    type: z.string().optional().describe("The kind of story, such as decision-gate."),
    blockedBy: ids.optional().describe("Ids of stories that must pass first."),
    blocks: ids.optional().describe("Ids of stories that wait for this one."),
    decisionConfig: decision.optional().describe("The decision that the story waits for."),
    canSpawnStories: z.boolean().optional()
      .describe("Whether the work on it may add further stories."),
    spawnConfig: z.looseObject({
      idPrefix: z.string().optional().describe("How the ids of new stories begin."),
      targetPhase: idOf.optional().describe("The phase of new stories."),
    }).optional().describe("How stories are added."),
    spawnedBy: z.string().optional().describe("The id of the story that added this one."),
  });

  const phase = z.looseObject({
    id: idOf.describe("A unique id."),
    name: z.string().describe("The name."),
    description: z.string().optional().describe("What happens in it."),
    expandsTo: idOf.optional().describe("The id of the phase that its stories add to."),
    dynamic: z.boolean().optional().describe("Whether its stories are added while it runs."),
    requiresAllPrevious: z.boolean().optional()
      .describe("Whether all phases before it must be over."),
  });

  return z.looseObject({
    $schema: z.string().optional().describe("The address of this schema."),
    schemaVersion: z.string().optional().describe("The version of the form: 2.5."),
    project: z.string().describe("The name of the project."),
    taskDir: z.string().optional().describe("The task folder, relative to the repository."),
    branchName: z.string().nullish()
      .describe("The branch to work on; null to stay on the current one."),
    mergeTarget: z.string().nullish()
      .describe("The branch to merge into at the end; null for none."),
    autoMerge: z.boolean().default(false)
      .describe("Whether the pull request is merged without asking."),
    pauseBetweenStories: z.boolean().default(false)
      .describe("Whether to wait for a person after each story."),
    type: z.string().optional()
      .describe("The kind of work: feature, bug-investigation or investigation."),
    description: z.string().describe("What it is about."),
    agent: z.string().optional().describe("The agent that works on the stories."),
    model: z.string().optional().describe("The model to use, as provider/model."),
    notes: z.string().optional().describe("Notes that go into every prompt, in markdown."),
    failoverThreshold: z.int().min(1).optional()
      .describe("Failures in a row before another agent takes over."),
    checks: z.union([z.string(), z.array(z.string())]).optional()
      .describe("Commands that must succeed before a story counts as done."),
    phases: z.array(phase).optional().describe("The phases of an investigation."),
    userStories: z.array(story).describe("The stories."),
  });
}
