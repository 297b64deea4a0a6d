import { sessionPaths } from "../../../session/model/session_paths.ts";
import { findGitRoot, NotARepositoryError } from "../../../git/find_git_root.ts";
import { doctorLines } from "../../../ui/report/doctor_lines.ts";
import { supportsColor } from "../../../ui/text/style.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { runDoctorChecks } from "../../doctor/doctor_check.ts";
import { DOCTOR_CHECKS } from "../../doctor/doctor_checks.ts";
import { type RunOptions, runOptions } from "../../run/run_options.ts";
import { SettingsError } from "../../run/settings.ts";
import { UsageError } from "../../kit/usage.ts";

/** `ralph doctor`: checks whether everything that a run depends on is there. */
export const command: Command = {
  usage: "[options]",
  description: "Checks everything that a run depends on, and says how to get what is\n" +
    "missing. It changes nothing, and does not check whether you are signed in to a service.",
  operands: 0,
  examples: [["ralph doctor", "one line each"], ["ralph doctor --json", "for scripts"]],
  options: [{ name: "json", help: "one JSON object" }],
  notes: "Exit codes: 0 a run can start; 5 something it needs is missing; 2 usage.",
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const { cwd, stdout } = context;
    const root = await findGitRoot(cwd).catch((error) => {
      if (error instanceof NotARepositoryError) return undefined;
      throw error;
    });
    const findings = await runDoctorChecks(DOCTOR_CHECKS, {
      cwd,
      env: definedOnly(context.env),
      paths: sessionPaths(context.env),
      root,
      options: await usualOptions(root ?? cwd, context),
    });
    const ok = findings.every(({ level }) => level !== "problem");
    const color = supportsColor({ env: context.env, isTTY: stdout.isTTY ?? false });
    const lines = line.has("json")
      ? [JSON.stringify({ ok, findings })]
      : doctorLines(findings, { color });
    stdout.write(lines.map((each) => `${each}\n`).join(""));
    return ok ? 0 : 5;
  },
};

/** The options that `ralph run` would derive from the settings here, for any task. */
async function usualOptions(root: string, context: CommandContext): Promise<RunOptions | Error> {
  const task = { name: "", dir: root, root, prdFile: "", progressFile: "" };
  try {
    return await runOptions(task, { env: context.env });
  } catch (error) {
    if (error instanceof SettingsError || error instanceof UsageError) return error;
    throw error;
  }
}

function definedOnly(env: Record<string, string | undefined>): Record<string, string> {
  const set = Object.entries(env).filter((each): each is [string, string] => each[1] !== undefined);
  return Object.fromEntries(set);
}
