import * as z from "zod";
import type { Iteration, Session } from "./model/session.ts";
import { limitsSchema } from "../event/event_schema.ts";
import {
  ENDING_KINDS,
  ITERATION_OUTCOMES,
  LOOP_OUTCOMES,
  SESSION_STATUSES,
} from "../event/vocabulary.ts";

const process = z.object({
  pid: z.int().describe("Number of the process"),
  start: z.string().describe("When it started, to be compared for equality only"),
});

const usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number(),
  cacheWriteTokens: z.number(),
  costUsd: z.number().describe("US dollars, as the agents estimate it").exactOptional(),
});

const time = z.iso.datetime();

const session = z.object({
  id: z.ulid(),
  task: z.string(),
  taskDir: z.string(),
  root: z.string(),
  branch: z.string().nullable(),
  status: z.enum(SESSION_STATUSES),
  endReason: z.string().nullable(),
  endOutcome: z.enum(LOOP_OUTCOMES).nullable(),
  worker: process.nullable(),
  agentProcess: process.nullable(),
  agent: z.string(),
  agentSessionId: z.string().nullable(),
  iteration: z.int().min(0),
  maxIterations: z.int().nullable(),
  currentStory: z.string().nullable(),
  stories: z.object({ done: z.int(), total: z.int() }).nullable(),
  limits: limitsSchema,
  transport: z.string(),
  serverPort: z.int().nullable(),
  socket: z.string().nullable().describe("The socket on which it can be talked to while it runs"),
  usage,
  startedAt: time,
  updatedAt: time,
  endedAt: time.nullable(),
  legacy: z.object({
    layout: z.enum(["bash", "P1", "P2", "P3", "P4", "P5", "P6", "P8"]),
    row: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
  }).nullable(),
});

/** A session, as `ralph show --json` prints it. */
const sessionSchema: z.ZodType<Session> = session;

/** A session, as `ralph status --json` prints it, with fields that are not in its row. */
export interface StatusEntry extends Session {
  /**
   * How often its current story has been attempted, including this time; `null` before the first.
   */
  attempt: number | null;
  /** Whether the session runs and the server at `serverPort` answers. */
  serverLive: boolean;
}

/** An iteration, as `ralph show --json` prints it. */
const iterationSchema: z.ZodType<Iteration> = z.object({
  sessionId: z.ulid(),
  iteration: z.int().min(1),
  story: z.object({ id: z.string(), title: z.string() }),
  agent: z.string(),
  model: z.string().nullable(),
  attempt: z.int().min(1),
  agentSessionId: z.string().nullable(),
  headBefore: z.string().nullable(),
  headAfter: z.string().nullable(),
  outcome: z.enum(ITERATION_OUTCOMES).nullable(),
  ending: z.enum(ENDING_KINDS).nullable(),
  error: z.string().nullable(),
  stderrTail: z.array(z.string()),
  denials: z.array(z.object({ tool: z.string(), detail: z.string() })),
  passed: z.array(z.string()),
  commits: z.int(),
  changed: z.boolean(),
  durationMs: z.number().nullable(),
  usage: usage.nullable(),
  startedAt: time,
  endedAt: time.nullable(),
});

/** What `ralph status --json` prints. */
export const statusSchema: z.ZodType<{ sessions: StatusEntry[] }> = z.object({
  sessions: z.array(session.extend({
    attempt: z.int().min(1).nullable()
      .describe("How often the current story has been tried; null before the first iteration"),
    serverLive: z.boolean()
      .describe("Whether the session runs and the server at serverPort answers"),
  })),
});

/** What `ralph show --json` prints. */
export const showSchema: z.ZodType<{ session: Session; iterations: Iteration[] }> = z.object({
  session: sessionSchema,
  iterations: z.array(iterationSchema),
});

/**
 * Builds the published JSON Schemas for the output of `ralph status --json` and
 * `ralph show --json`. Later versions may add keys, so unknown ones are allowed.
 *
 * @returns The schemas by file name.
 */
export function sessionJsonSchemas(): Record<string, object> {
  return {
    "status.schema.json": {
      title: "Output of ralph status --json",
      ...z.toJSONSchema(statusSchema, { io: "input" }),
    },
    "show.schema.json": {
      title: "Output of ralph show --json",
      ...z.toJSONSchema(showSchema, { io: "input", reused: "ref" }),
    },
  };
}
