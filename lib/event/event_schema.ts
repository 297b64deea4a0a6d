import * as z from "zod";
import type { AgentEnding, AgentEvent } from "./agent_event.ts";
import type { LoopEvent, LoopLimits } from "./loop_event.ts";
import { ENDING_KINDS, type EndingKind, ITERATION_OUTCOMES, LOOP_OUTCOMES } from "./vocabulary.ts";

/** The limits of a loop in the registry and in events. */
export const limitsSchema: z.ZodType<LoopLimits> = z.object({
  iterations: z.number().exactOptional(),
  timeMs: z.number().exactOptional(),
  costUsd: z.number().exactOptional(),
  tokens: z.number().exactOptional(),
  iterationMs: z.number().exactOptional(),
  stallMs: z.number().exactOptional(),
});

const usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  costUsd: z.number().exactOptional(),
});
const denial = z.object({ tool: z.string(), detail: z.string() });
const story = z.object({ id: z.string(), title: z.string() });
const stories = z.object({ done: z.int(), total: z.int() });
const message = z.string();
const retryAt = z.number().exactOptional();

const ending = z.discriminatedUnion(
  "kind",
  ENDING_KINDS.map(endingOf) as [ReturnType<typeof endingOf>],
) as unknown as z.ZodType<AgentEnding>;

function endingOf(kind: EndingKind): z.ZodObject<{ kind: z.ZodLiteral<EndingKind> }> {
  const bare = z.object({ kind: z.literal(kind) });
  if (kind === "ok") return bare;
  const limited = kind === "rate_limit" || kind === "overloaded";
  return limited ? bare.extend({ message, retryAt }) : bare.extend({ message });
}

/** The schema of what an agent does, by kind. The type makes a missing kind a compile error. */
export const AGENT_EVENT_SCHEMAS = {
  process: z.object({ kind: z.literal("process"), pid: z.int() }),
  session: z.object({
    kind: z.literal("session"),
    agentSessionId: z.string(),
    model: z.string().exactOptional(),
  }),
  text: z.object({ kind: z.literal("text"), text: z.string() }),
  tool: z.object({ kind: z.literal("tool"), tool: z.string(), detail: z.string() }),
  tool_result: z.object({
    kind: z.literal("tool_result"),
    failed: z.boolean(),
    detail: z.string(),
  }),
  server: z.object({ kind: z.literal("server"), url: z.string() }),
  usage: z.object({ kind: z.literal("usage"), usage }),
  denial: z.object({ kind: z.literal("denial"), denial }),
  error: z.object({ kind: z.literal("error"), message }),
  output: z.object({
    kind: z.literal("output"),
    stream: z.enum(["stdout", "stderr"]),
    line: z.string(),
  }),
} satisfies { [Kind in AgentEvent["kind"]]: z.ZodType<Extract<AgentEvent, { kind: Kind }>> };

const agentEvent = z.union(Object.values(AGENT_EVENT_SCHEMAS));

const result = z.object({
  outcome: z.enum(LOOP_OUTCOMES),
  reason: z.string(),
  details: z.array(z.string()),
  iterations: z.int(),
  stories,
  open: z.array(z.object({ ...story.shape, reason: z.string() })),
  branch: z.string().exactOptional(),
  checks: z.int().exactOptional(),
  commits: z.int(),
  filesChanged: z.int(),
  agents: z.record(z.string(), z.int()),
  failovers: z.int(),
  durationMs: z.number(),
  usage,
});

const time = z.iso.datetime();
const iteration = z.int();
const agent = z.string();
const model = z.string().exactOptional();
const reason = z.string();

/** The schema of every event, by type. The type makes a missing one a compile error. */
export const EVENT_SCHEMAS = {
  loop_started: z.object({
    time,
    type: z.literal("loop_started"),
    task: z.string(),
    taskDir: z.string(),
    root: z.string(),
    branch: z.string().exactOptional(),
    base: z.string().exactOptional(),
    agent,
    limits: limitsSchema,
    stories,
    verifies: z.boolean(),
    checks: z.int().exactOptional(),
    list: z.array(
      z.object({ ...story.shape, passes: z.boolean(), dependsOn: z.array(z.string()) }),
    ),
  }),
  warning: z.object({ time, type: z.literal("warning"), message }),
  progress_rotated: z.object({
    time,
    type: z.literal("progress_rotated"),
    file: z.string(),
    iterations: z.int(),
  }),
  iteration_started: z.object({
    time,
    type: z.literal("iteration_started"),
    iteration,
    story,
    agent,
    model,
    head: z.string().nullable(),
    attempt: z.int(),
  }),
  agent: z.object({ time, type: z.literal("agent"), iteration, event: agentEvent }),
  check_started: z.object({
    time,
    type: z.literal("check_started"),
    iteration,
    command: z.string(),
  }),
  check_finished: z.object({
    time,
    type: z.literal("check_finished"),
    iteration,
    command: z.string(),
    ok: z.boolean(),
    durationMs: z.number(),
    outputTail: z.array(z.string()),
  }),
  story_set_back: z.object({ time, type: z.literal("story_set_back"), iteration, story, reason }),
  iteration_finished: z.object({
    time,
    type: z.literal("iteration_finished"),
    iteration,
    story,
    agent,
    model,
    agentSessionId: z.string().exactOptional(),
    outcome: z.enum(ITERATION_OUTCOMES),
    ending,
    stderrTail: z.array(z.string()),
    denials: z.array(denial),
    headBefore: z.string().nullable(),
    headAfter: z.string().nullable(),
    commits: z.int(),
    changed: z.boolean(),
    passed: z.array(z.string()),
    stories,
    durationMs: z.number(),
    usage: usage.exactOptional(),
    failuresInRow: z.int(),
  }),
  failed_over: z.object({
    time,
    type: z.literal("failed_over"),
    iteration,
    story,
    from: z.string(),
    to: z.string(),
    failuresInRow: z.int(),
    reason,
  }),
  waiting: z.object({ time, type: z.literal("waiting"), reason, agent, until: z.number() }),
  waited: z.object({ time, type: z.literal("waited"), cancelled: z.boolean() }),
  published: z.object({
    time,
    type: z.literal("published"),
    branch: z.string(),
    mergeTarget: z.string(),
    pushed: z.boolean(),
    merged: z.boolean(),
    pullRequest: z.string().exactOptional(),
    problem: z.string().exactOptional(),
    hint: z.string().exactOptional(),
  }),
  loop_finished: z.object({
    time,
    type: z.literal("loop_finished"),
    result,
    agent,
    maxIterations: z.number().exactOptional(),
  }),
} satisfies { [Type in LoopEvent["type"]]: z.ZodType<Extract<LoopEvent, { type: Type }>> };

/** Every event of a loop, as the session log, `ralph run --json` and the RPC have it. */
export const loopEventSchema: z.ZodType<LoopEvent> = z.union(Object.values(EVENT_SCHEMAS));
