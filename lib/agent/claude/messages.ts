import * as z from "zod";

/**
 * The lines of Claude Code's `--output-format stream-json` that ralph reads, each with the fields
 * that it reads. Claude Code adds fields and types with every release, so unknown ones are ignored,
 * and a field of an unexpected type counts as absent.
 */
function lenient<T extends z.ZodType>(schema: T): z.ZodCatch<z.ZodOptional<T>> {
  return schema.optional().catch(undefined);
}

const usage: z.ZodType<ClaudeUsage> = z.object({
  input_tokens: z.number().catch(0),
  output_tokens: z.number().catch(0),
  cache_read_input_tokens: z.number().catch(0),
  cache_creation_input_tokens: z.number().catch(0),
});

const block = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text: z.string() }),
  z.object({
    type: z.literal("tool_use"),
    id: z.string(),
    name: z.string(),
    input: z.record(z.string(), z.unknown()).catch({}),
  }),
  z.object({
    type: z.literal("tool_result"),
    tool_use_id: z.string(),
    content: z.unknown(),
    is_error: lenient(z.boolean()),
  }),
]);

const content = z.preprocess(
  (value) => typeof value === "string" ? [{ type: "text", text: value }] : value,
  // Other kinds of blocks, such as "thinking", become undefined.
  z.array(block.optional().catch(undefined)),
).catch([]);

const message = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("system"),
    subtype: lenient(z.string()),
    session_id: lenient(z.string()),
    model: lenient(z.string()),
    attempt: lenient(z.number()),
    max_retries: lenient(z.number()),
    error_status: lenient(z.number()),
    error: lenient(z.string()),
  }),
  z.object({
    type: z.literal("assistant"),
    error: lenient(z.string()),
    message: z.object({
      id: lenient(z.string()),
      model: lenient(z.string()),
      content,
      usage: lenient(usage),
    }),
  }),
  z.object({ type: z.literal("user"), message: z.object({ content }) }),
  z.object({
    type: z.literal("rate_limit_event"),
    rate_limit_info: z.object({
      status: lenient(z.string()),
      resetsAt: lenient(z.number()),
    }),
  }),
  z.object({
    type: z.literal("result"),
    subtype: lenient(z.string()),
    is_error: z.boolean().catch(false),
    api_error_status: lenient(z.number()),
    result: lenient(z.string()),
    errors: lenient(z.array(z.string())),
    total_cost_usd: lenient(z.number()),
    usage: lenient(usage),
    permission_denials: z.array(z.object({
      tool_name: z.string(),
      tool_use_id: lenient(z.string()),
      tool_input: z.record(z.string(), z.unknown()).catch({}),
    })).catch([]),
  }),
]);

/** One line of Claude Code's output, as far as ralph reads it. */
export type ClaudeMessage = z.infer<typeof message>;

/** A part of a message: prose, a tool call, or a tool's result. */
export type ClaudeBlock = z.infer<typeof block>;

/**
 * Reads one line of Claude Code's output.
 *
 * @returns The message, `"ignored"` if it is one that ralph does not read, or `undefined` if the
 * line is not a JSON object.
 */
export function readClaudeMessage(line: string): ClaudeMessage | "ignored" | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const parsed = message.safeParse(value);
  return parsed.success ? parsed.data : "ignored";
}

/** Tokens as Claude Code counts them. */
export interface ClaudeUsage {
  /** Tokens read that were not cached. */
  input_tokens: number;
  /** Tokens written. */
  output_tokens: number;
  /** Tokens read from the cache. */
  cache_read_input_tokens: number;
  /** Tokens written to the cache. */
  cache_creation_input_tokens: number;
}
