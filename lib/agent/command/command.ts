import type { Agent, AgentStartOptions } from "../agent.ts";
import { classifyEnding, type EndingFacts, type EndingPattern } from "../ending/classify_ending.ts";
import type { CommandConfig, PatternConfig } from "./command_config.ts";
import { cutText } from "../../base/cut_text.ts";
import { privateFile } from "../private_file.ts";
import { probeProgram } from "../process/probe_program.ts";
import { runAgentProcess } from "../process/run_agent_process.ts";
import { runPty } from "../pty/run_pty.ts";

/** Options for {@linkcode createCommand}. */
export interface CommandOptions {
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: (() => number) | undefined;
}

/**
 * Creates an agent from any program that takes a prompt.
 *
 * Every line that it writes is an `output` event. The config defines what counts as a success, and
 * how to recognize other endings.
 *
 * @example Usage
 * ```ts
 * import { createCommand } from "@ralph/cli";
 *
 * const agent = createCommand("aider", {
 *   command: ["aider", "--yes-always", "--message-file", "{prompt}"],
 *   prompt: "file",
 *   model_flag: "--model",
 * });
 * const availability = await agent.probe({ env: { PATH: "/usr/local/bin" } });
 * ```
 *
 * @param name Its name in `--agent` and prd.json.
 * @param config The table of the config.
 * @throws {SyntaxError} If a regular expression of the config is not valid.
 */
export function createCommand(
  name: string,
  config: CommandConfig,
  options: CommandOptions = {},
): Agent {
  const { now = Date.now } = options;
  const [program = ""] = config.command;
  const patterns = (config.patterns ?? []).map(toPattern);
  const { exit_codes: exitCodes = [0], output } = config.success ?? {};
  const expected = output === undefined ? undefined : new RegExp(output, "im");
  let hasWorked = false;

  return {
    name,
    pty: config.pty ?? false,
    probe: (probe) =>
      probeProgram(program, {
        ...probe,
        env: { ...probe.env, ...config.env },
        // A user's own program may take "--version" for a prompt, and start to work.
        version: (probe.version ?? false) && config.version_args !== undefined,
        versionArgs: config.version_args ?? [],
      }),
    start(start) {
      const file = config.prompt === "file" ? privateFile(["prompt", ".md"], start) : undefined;
      if (config.pty) {
        return runPty(async () => {
          await file?.write(start.prompt);
          return commandLine(config, start, file?.path);
        }, {
          cwd: start.cwd,
          env: { ...start.env, ...config.env },
          classify,
          cleanUp: file?.remove,
          onOutput: start.onOutput,
          signal: start.signal,
        });
      }
      const takesStdin = (config.prompt ?? "stdin") === "stdin";
      return runAgentProcess(commandLine(config, start, file?.path), {
        cwd: start.cwd,
        env: { ...start.env, ...config.env },
        parse: (line, stream) => [{ kind: "output", stream, line: cutText(line) }],
        classify,
        stdin: takesStdin ? start.prompt : undefined,
        setUp: () => file?.write(start.prompt) ?? Promise.resolve(),
        cleanUp: file?.remove,
        onOutput: start.onOutput,
        signal: start.signal,
      });
    },
  };

  function classify(facts: EndingFacts) {
    const goodExit = facts.exitCode !== null && exitCodes.includes(facts.exitCode);
    const succeeded = goodExit && (expected?.test(facts.outputTail.join("\n")) ?? true);
    const ending = classifyEnding(facts, {
      succeeded,
      hasWorked,
      patterns,
      now: now(),
      failure: goodExit && !succeeded
        ? `Exit code ${facts.exitCode}, and its output does not match "${output}"`
        : undefined,
    });
    hasWorked ||= ending.kind === "ok";
    return ending;
  }
}

function toPattern({ ending, regex, source = "error" }: PatternConfig): EndingPattern {
  return { ending, source, regex: new RegExp(regex, "im") };
}

/**
 * Builds the argument list of a command agent: replaces placeholders, and adds model, permissions
 * and prompt.
 *
 * @example Usage
 * ```ts
 * import { commandLine } from "./command.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const config = { command: ["tool", "run"], prompt: "argument", model_flag: "-m" } as const;
 * const start = { prompt: "Do it", story: { id: "US-001" }, model: "small" };
 * const args = commandLine({ ...config, command: ["tool", "run"] }, start);
 * assertEquals(args, ["tool", "run", "-m", "small", "Do it"]);
 * ```
 *
 * @param config The table of the config.
 * @param start The options of the start.
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
