import type { Agent } from "./agent.ts";
import { classifyEnding, type EndingFacts } from "./classify_ending.ts";
import type { CommandConfig, PatternConfig } from "./command_config.ts";
import { commandLine } from "./command_line.ts";
import { cutText } from "../base/cut_text.ts";
import type { EndingPattern } from "./ending_pattern.ts";
import { probeProgram } from "./probe_program.ts";
import { promptFile } from "./prompt_file.ts";
import { runAgentProcess } from "./run_agent_process.ts";
import { runPty } from "./run_pty.ts";

/** Options for {@linkcode createCommand}. */
export interface CommandOptions {
  /** The time in milliseconds since the epoch. @default {Date.now} */
  now?: () => number;
}

/**
 * Makes an agent of any program that takes a prompt.
 *
 * Every line that it writes is an `output` event. What counts as a success, and how its
 * other endings are told apart, is up to the config.
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
 * @param name The name by which `--agent` and prd.json know it.
 * @param config How the program is run.
 * @param options Additional options.
 * @returns The agent.
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

  return {
    name,
    pty: config.pty ?? false,
    probe: (probe) =>
      probeProgram(program, {
        ...probe,
        env: { ...probe.env, ...config.env },
        // A program of the user's own may take "--version" for a prompt, and begin to work.
        version: (probe.version ?? false) && config.version_args !== undefined,
        versionArgs: config.version_args ?? [],
      }),
    start(start) {
      const file = config.prompt === "file" ? promptFile() : undefined;
      if (config.pty) {
        return runPty(async () => {
          await file?.write(start.prompt);
          return commandLine(config, start, file?.path);
        }, {
          cwd: start.cwd,
          env: { ...start.env, ...config.env },
          classify,
          ...(start.onOutput && { onOutput: start.onOutput }),
          ...(file && { cleanUp: file.remove }),
          ...(start.signal && { signal: start.signal }),
        });
      }
      const takesStdin = (config.prompt ?? "stdin") === "stdin";
      return runAgentProcess(commandLine(config, start, file?.path), {
        cwd: start.cwd,
        env: { ...start.env, ...config.env },
        parse: (line, stream) => [{ kind: "output", stream, line: cutText(line) }],
        classify,
        ...(takesStdin && { stdin: start.prompt }),
        ...(file && { setUp: () => file.write(start.prompt), cleanUp: file.remove }),
        ...(start.onOutput && { onOutput: start.onOutput }),
        ...(start.signal && { signal: start.signal }),
      });
    },
  };

  function classify(facts: EndingFacts) {
    const goodExit = facts.exitCode !== null && exitCodes.includes(facts.exitCode);
    const succeeded = goodExit && (expected?.test(facts.outputTail.join("\n")) ?? true);
    return classifyEnding(facts, {
      succeeded,
      patterns,
      now: now(),
      ...(goodExit && !succeeded &&
        { failure: `Exit code ${facts.exitCode}, and its output does not match "${output}"` }),
    });
  }
}

function toPattern({ ending, regex, source = "error" }: PatternConfig): EndingPattern {
  return { ending, source, regex: new RegExp(regex, "im") };
}
