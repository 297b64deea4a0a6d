import { join } from "node:path";
import { nearestName } from "../../../base/nearest_name.ts";
import { agentEnvironment } from "../../../agent/agent_environment.ts";
import { findProgram } from "../../../base/find_program.ts";
import { SETUP_COMMANDS } from "../../../agent/opencode/server/describe_server.ts";
import { SERVER_ENV_FILE } from "../../../agent/opencode/server/address.ts";
import { ensureServerPassword } from "../../../agent/opencode/server/password.ts";
import {
  serverPlist,
  serverUnit,
  type ServerUnitOptions,
} from "../../../agent/opencode/server/unit.ts";
import { sessionPaths } from "../../../session/model/session_paths.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { opencodeAddress } from "../../attach/opencode_address.ts";
import { wholeNumberValue } from "../../kit/option_values.ts";
import { UsageError } from "../../kit/usage.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph systemd`: prints unit files of services that ralph uses. */
export const command: Command = {
  usage: "print opencode [options]",
  description:
    "Prints the systemd user unit of the OpenCode server that serves all projects, with the\n" +
    "path of the program on this machine. systemd starts and stops the server; ralph never does.",
  operands: 2,
  examples: [
    ["ralph systemd print opencode", "look at it"],
    ["ralph systemd print opencode --launchd", "for macOS"],
  ],
  options: [
    { name: "with-password", help: "also make ~/.config/ralph/opencode.env with a password" },
    { name: "launchd", help: "a launchd agent, for macOS" },
    { name: "program", value: "PATH", help: "the OpenCode program (default: the one on PATH)" },
    { name: "port", value: "N", help: "the port (default: the one in the settings, 14096)" },
    { name: "json", help: "one JSON object, with the unit as its text" },
  ],
  notes: `Set the server up once:
${SETUP_COMMANDS.map((each) => `  ${each}`).join("\n")}

Then:
  systemctl --user start opencode     start it
  systemctl --user stop opencode      stop it
  systemctl --user status opencode    see how it is; ralph doctor says more
  systemctl --user disable opencode   start it no longer when you log in
  journalctl --user -u opencode       what it has said

It runs from your login to your logout. To start it at boot and keep it when you log out:
  loginctl enable-linger $USER

On macOS:
  ralph systemd print opencode --launchd > ~/Library/LaunchAgents/ai.opencode.server.plist
  launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/ai.opencode.server.plist

Without either, such as in a container:
  opencode serve --port 14096

A server elsewhere: RALPH_OPENCODE_URL, or url in [opencode] of config.toml or ralph.toml.
Exit codes: 0 printed; 2 usage.`,
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const [action, what] = line.operands;
    requireWord(action, "print", { kind: "action", command: "ralph systemd" });
    requireWord(what, "opencode", { kind: "unit", command: "ralph systemd print" });
    const options = await unitOptions(line, context);
    if (line.has("with-password")) await makePassword(context);
    const unit = line.has("launchd") ? serverPlist(options) : serverUnit(options);
    context.stdout.write(line.has("json") ? jsonLine({ unit }) : unit);
    return 0;
  },
};

/** @throws {UsageError} If another word was given, or none. */
function requireWord(
  given: string | undefined,
  expected: string,
  { kind, command }: { kind: string; command: string },
): void {
  if (given === expected) return;
  const whole = "ralph systemd print opencode";
  if (given === undefined) throw new UsageError(`No ${kind} for ${command}`, whole);
  const isNear = nearestName(given, [expected]) !== undefined;
  const hint = isNear ? `did you mean ${command} ${expected}?` : whole;
  throw new UsageError(`Unknown ${kind} "${given}" for ${command}`, hint);
}

async function unitOptions(line: CommandLine, context: CommandContext): Promise<ServerUnitOptions> {
  const env = agentEnvironment(context.env, { agent: "opencode" });
  const program = await findProgram(line.value("program") ?? "opencode", { env });
  if (program === undefined) {
    context.stderr.write(
      "note: opencode is not on PATH; the unit names ~/.opencode/bin/opencode\n" +
        "hint: npm install -g opencode-ai, or --program PATH\n",
    );
  }
  const given = line.value("port");
  const { url, remote } = await opencodeAddress(context, context.cwd);
  const configured = remote ? NaN : Number(new URL(url).port);
  const port = given === undefined
    ? configured || undefined
    : wholeNumberValue(given, "--port", { min: 1 });
  return {
    program,
    port,
    // systemd's own PATH contains nothing that the user installed, and agents need all of it.
    path: env.PATH || undefined,
    envFile: envFileOf(context),
  };
}

/** The unit names the file below the home folder, unless the settings are elsewhere. */
function envFileOf({ env }: CommandContext): string | undefined {
  const { configDir } = sessionPaths(env);
  const usual = sessionPaths({ HOME: env.HOME }).configDir;
  return configDir === usual ? undefined : join(configDir, SERVER_ENV_FILE);
}

async function makePassword({ env, stderr }: CommandContext): Promise<void> {
  const { file, created } = await ensureServerPassword(sessionPaths(env).configDir);
  stderr.write(
    created
      ? `note: wrote a new password to ${file}; a running server reads it after: ` +
        "systemctl --user restart opencode\n"
      : `note: kept the password in ${file}\n`,
  );
}
