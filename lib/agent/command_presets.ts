import type { CommandConfig } from "./command_config.ts";

/**
 * OpenAI's Codex CLI, without a terminal (tried with `@openai/codex` 0.169).
 *
 * `codex exec -` reads the prompt from stdin. Its sandbox is read-only by default;
 * `--sandbox workspace-write` lets it edit the folder, and
 * `--dangerously-bypass-approvals-and-sandbox` do anything. (`--full-auto` of older versions is
 * gone.) Its stderr holds the whole conversation, so only its own lines beginning with
 * `ERROR:` are held against it.
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
    // Whatever else it says is an error, also where the conversation looks like a limit.
    { ending: "error", regex: "^ERROR: " },
  ],
};

/**
 * Google's Gemini CLI, without a terminal (tried with `@google/gemini-cli` 0.61).
 *
 * It runs headless when stdin is no terminal, and reads the prompt from there. Tools that would
 * need an approval are refused then, hence `--approval-mode`; in a folder that is
 * not trusted that mode is ignored, hence `--skip-trust`. It exits with 41 if it is not signed in.
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
