import type { AgentStartOptions } from "./agent.ts";
import type { CommandConfig } from "./command_config.ts";

/**
 * Makes the argument vector of a command agent: placeholders replaced, model, permissions
 * and prompt added.
 *
 * @example Usage
 * ```ts
 * import { commandLine } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const config = { command: ["tool", "run"], prompt: "argument", model_flag: "-m" } as const;
 * const start = { prompt: "Do it", story: { id: "US-001" }, model: "small" };
 * const args = commandLine({ ...config, command: ["tool", "run"] }, start);
 * assertEquals(args, ["tool", "run", "-m", "small", "Do it"]);
 * ```
 *
 * @param config How the program is run.
 * @param start What it is started with.
 * @param promptPath The file with the prompt, if it is passed as one.
 * @returns The program and its arguments.
 */
export function commandLine(
  config: CommandConfig,
  start: Pick<AgentStartOptions, "prompt" | "model" | "yolo"> & { story: { id: string } },
  promptPath?: string,
): string[] {
  const { prompt: how = "stdin", model_flag: modelFlag } = config;
  const model = start.model ?? config.model;
  const prompt = how === "argument" ? start.prompt : how === "file" ? promptPath : undefined;
  const values: Record<string, string | undefined> = { prompt, model, story: start.story.id };

  const takesModel = config.command.some((it) => it.includes("{model}"));
  const takesPrompt = config.command.some((it) => it.includes("{prompt}"));
  const command = config.command
    .filter((it) => model !== undefined || !it.includes("{model}"))
    // One pass, as a prompt may itself hold "{model}".
    .map((it) => it.replace(/\{(prompt|model|story)\}/g, (all, name) => values[name] ?? all));
  return [
    ...command,
    ...(start.yolo ? config.yolo_args : config.safe_args) ?? [],
    ...(modelFlag !== undefined && model !== undefined && !takesModel ? [modelFlag, model] : []),
    ...(prompt !== undefined && !takesPrompt ? [prompt] : []),
  ];
}
