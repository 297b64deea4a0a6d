import { z } from "zod";
import type { CommandConfig, PatternConfig } from "./command_config.ts";

const regex = z.string().refine(isRegex, "Not a valid regular expression");

/** The schema of {@linkcode PatternConfig}. */
export const patternConfigSchema: z.ZodType<PatternConfig> = z.strictObject({
  ending: z.enum(["auth", "rate_limit", "overloaded", "launch", "error"]),
  regex,
  source: z.enum(["error", "output"]).exactOptional(),
});

const command = z.strictObject({
  command: z.array(z.string()).min(1).refine(([program]) => program?.trim(), "Names no program"),
  prompt: z.enum(["stdin", "argument", "file"]).exactOptional(),
  model_flag: z.string().min(1).exactOptional(),
  model: z.string().min(1).exactOptional(),
  yolo_args: z.array(z.string()).exactOptional(),
  safe_args: z.array(z.string()).exactOptional(),
  env: z.record(z.string(), z.string()).exactOptional(),
  success: z.strictObject({
    exit_codes: z.array(z.int().min(0).max(255)).min(1).exactOptional(),
    output: regex.exactOptional(),
  }).exactOptional(),
  patterns: z.array(patternConfigSchema).exactOptional(),
  version_args: z.array(z.string()).exactOptional(),
  pty: z.boolean().exactOptional(),
});

/** The schema of {@linkcode CommandConfig}. */
export const commandConfigSchema: z.ZodType<CommandConfig> = command.refine(hasWayForPrompt, {
  path: ["pty"],
  message: 'A PTY has no stdin to pipe the prompt into: expected prompt = "argument" or "file"',
});

/** The schema of a table that changes some settings of a preset. */
export const partialCommandConfigSchema: z.ZodType<Partial<CommandConfig>> = z.strictObject({
  ...command.shape,
  command: command.shape.command.exactOptional(),
});

function hasWayForPrompt({ pty = false, prompt = "stdin" }: CommandConfig): boolean {
  return !pty || prompt !== "stdin";
}

function isRegex(source: string): boolean {
  try {
    new RegExp(source, "im");
    return true;
  } catch {
    return false;
  }
}
