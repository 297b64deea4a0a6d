import { doctorLines } from "../../../ui/report/doctor_lines.ts";
import { jsonLine } from "../../kit/json_line.ts";
import { supportsColor } from "../../../ui/text/style.ts";
import { runDoctor } from "../../doctor/run_doctor.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";

/** `ralph doctor`: checks whether everything that a run depends on is there. */
export const command: Command = {
  usage: "[options]",
  description: "Checks everything that a run depends on, and says how to get what is\n" +
    "missing. It changes nothing, and does not check whether you are signed in to a service.",
  operands: 0,
  examples: [["ralph doctor", "one line each"], ["ralph doctor --json", "for scripts"]],
  options: [{ name: "json", help: "one JSON object" }],
  notes: "Exit codes: 0 a run can start; 5 something it needs is missing; 2 usage.",
  async run(line: CommandLine, { cwd, env, stdout }: CommandContext): Promise<number> {
    const findings = await runDoctor({ cwd, env });
    const ok = findings.every(({ level }) => level !== "problem");
    const color = supportsColor({ env, isTTY: stdout.isTTY ?? false });
    if (line.has("json")) stdout.write(jsonLine({ ok, findings }));
    else stdout.raw.write(doctorLines(findings, { color }).map((each) => `${each}\n`).join(""));
    return ok ? 0 : 5;
  },
};
