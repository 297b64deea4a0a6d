import { REPORTED_ENDINGS, type ReportedEnding } from "../../event/vocabulary.ts";
import * as z from "zod";

/** When a run of a command counts as a success. */
export interface CommandSuccess {
  /** Exit codes of a success. @default {[0]} */
  exit_codes?: number[] | undefined;
  /** A regular expression that the last 20 lines of stdout must match as well. */
  output?: string | undefined;
}

/** A pattern of the config that recognizes how an agent ended. */
export interface PatternConfig {
  /** The ending that it stands for. */
  ending: ReportedEnding;
  /** The regular expression, ignoring case. */
  regex: string;
  /**
   * `error`: stderr of a run that failed. `output`: the last 20 lines of stdout of any run.
   * @default {"error"}
   */
  source?: "error" | "output" | undefined;
}

/** A table `[agents.NAME]` of the config: any program as an agent. */
export interface CommandConfig {
  /**
   * The program and its arguments. `{prompt}`, `{model}` and `{story}` (the story's id) are
   * replaced; an argument with `{model}` is left out if no model is requested.
   */
  command: string[];
  /**
   * How it gets the prompt: on stdin, as an argument, or as the path of a temporary file. The
   * latter two replace `{prompt}`, or come last. @default {"stdin"}
   */
  prompt?: "stdin" | "argument" | "file" | undefined;
  /** The option for the model, such as `--model`; appended together with the model. */
  model_flag?: string | undefined;
  /** The model if the story and the PRD name none. @default {the program's own} */
  model?: string | undefined;
  /** Further arguments with `--yolo`. @default {[]} */
  yolo_args?: string[] | undefined;
  /** Further arguments without `--yolo`. @default {[]} */
  safe_args?: string[] | undefined;
  /** Variables that are added to its environment. @default {{}} */
  env?: Record<string, string> | undefined;
  /** What counts as a success. @default {exit code 0} */
  success?: CommandSuccess | undefined;
  /** Patterns that recognize endings, tried before the built-in ones. @default {[]} */
  patterns?: PatternConfig[] | undefined;
  /**
   * Arguments that make it print its version, to check before a run whether it starts.
   * @default {no check}
   */
  version_args?: string[] | undefined;
  /**
   * Whether it runs in a PTY: its exit is its end, and the lines on its screen are its output. The
   * prompt must then be an argument or a file. @default {false}
   */
  pty?: boolean | undefined;
}

/**
 * OpenAI's Codex CLI, without a terminal (tried with `@openai/codex` 0.169).
 *
 * `codex exec -` reads the prompt from stdin. Its sandbox is read-only by default;
 * `--sandbox workspace-write` lets it edit the folder, and
 * `--dangerously-bypass-approvals-and-sandbox` do anything. (`--full-auto` of older versions is
 * gone.) Its stderr holds the whole conversation, so only lines that begin with `ERROR:` count as
 * errors.
 *
 * @see {@link https://developers.openai.com/codex/noninteractive}
 */
export const CODEX: CommandConfig = {
  version_args: ["--version"],
  command: ["codex", "exec", "-"],
  prompt: "stdin",
  model_flag: "--model",
  safe_args: ["--sandbox", "workspace-write"],
  yolo_args: ["--dangerously-bypass-approvals-and-sandbox"],
  patterns: [
    { ending: "rate_limit", regex: "^ERROR: .*(usage limit|rate limit|quota|\\b429\\b)" },
    { ending: "auth", regex: "^ERROR: .*(\\b401\\b|unauthorized|not logged in|sign in again)" },
    { ending: "overloaded", regex: "^ERROR: .*(at capacity|overloaded|\\b50[0234]\\b)" },
    // Any other error line is an `error`, even if the conversation mentions a limit.
    { ending: "error", regex: "^ERROR: " },
  ],
};

/**
 * Google's Gemini CLI, without a terminal (tried with `@google/gemini-cli` 0.61).
 *
 * It runs headless if stdin is not a terminal, and reads the prompt from there. It then refuses
 * tools that need an approval, hence `--approval-mode`; it ignores that mode in an untrusted
 * folder, hence `--skip-trust`. It exits with 41 if it is not signed in.
 *
 * @see {@link https://geminicli.com/docs/cli/headless/}
 */
export const GEMINI: CommandConfig = {
  version_args: ["--version"],
  command: ["gemini", "--skip-trust"],
  prompt: "stdin",
  model_flag: "--model",
  safe_args: ["--approval-mode", "auto_edit"],
  yolo_args: ["--approval-mode", "yolo"],
};

/** The agents that need no config, by name. */
export const COMMAND_PRESETS: Readonly<Record<string, CommandConfig>> = {
  codex: CODEX,
  gemini: GEMINI,
};

const regex = z.string().refine(isRegex, "Not a valid regular expression");

/**
 * The schema of {@linkcode PatternConfig}.
 *
 * @internal
 */
export const patternConfigSchema: z.ZodType<PatternConfig> = z.strictObject({
  ending: z.enum(REPORTED_ENDINGS),
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

/**
 * The schema of {@linkcode CommandConfig}.
 *
 * @internal
 */
export const commandConfigSchema: z.ZodType<CommandConfig> = command.refine(hasWayForPrompt, {
  path: ["pty"],
  message: 'A PTY has no stdin to pipe the prompt into: expected prompt = "argument" or "file"',
});

/**
 * The schema of a table that changes some settings of a preset.
 *
 * @internal
 */
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
