import { spawn } from "node:child_process";
import process from "node:process";
import { agentEnvironment } from "../../agent/agent_environment.ts";
import { findProgram } from "../../base/find_program.ts";
import { diagnoseServer } from "../../agent/opencode/server/describe_server.ts";
import { openProject } from "../../agent/opencode/server/opencode_client.ts";
import type { ServerAddress } from "../../agent/opencode/server/address.ts";
import type { CommandContext } from "../kit/command.ts";
import { opencodeAddress } from "./opencode_address.ts";

/** Thrown when a session cannot be shown in OpenCode: exit code 5 or 1. */
export class AttachError extends Error {
  /** The exit code. */
  readonly exitCode: number;
  /** What to do about it. */
  readonly hint: string;

  constructor(reason: string, options: { hint: string; exitCode: number }) {
    super(`Cannot attach to the OpenCode session: ${reason}`);
    this.name = "AttachError";
    this.hint = options.hint;
    this.exitCode = options.exitCode;
  }
}

/** The session that {@linkcode attachOpencode} shows. */
export interface AttachTarget {
  /** The session on the server, such as `ses_...`. */
  id: string;
  /** The root of its repository. */
  root: string;
  /** A command that shows the same without the server. */
  instead: string;
}

/**
 * Hands the terminal to OpenCode's own screen for a session, until the user leaves it. ralph's
 * records do not change, and the server keeps running.
 *
 * @returns The exit code of OpenCode.
 * @throws {AttachError} If the server is not running, or does not have the session.
 */
export async function attachOpencode(
  context: CommandContext,
  target: AttachTarget,
): Promise<number> {
  const { id, root } = target;
  const address = await opencodeAddress(context, root);
  await requireServerSession(context, address, target);
  const env = agentEnvironment(context.env, { agent: "opencode" });
  const program = await findProgram("opencode", { env });
  if (program === undefined) {
    throw new AttachError("the program opencode is not on PATH", {
      hint: `npm install -g opencode-ai, or ${target.instead}`,
      exitCode: 5,
    });
  }
  const { url, username, password } = address;
  return await handOver(program, ["attach", url, "--dir", root, "--session", id], {
    cwd: root,
    env: {
      ...env,
      OPENCODE_SERVER_USERNAME: username,
      // In the environment, because every user of this machine can read the arguments of a process.
      ...(password === undefined ? {} : { OPENCODE_SERVER_PASSWORD: password }),
    },
  });
}

async function requireServerSession(
  context: CommandContext,
  address: ServerAddress,
  { id, root, instead }: AttachTarget,
): Promise<void> {
  const found = await diagnoseServer(address, { env: context.env });
  if (found.level === "problem") {
    const hint = found.hints.join("\n");
    throw new AttachError(`OpenCode server ${found.message}`, { hint, exitCode: 5 });
  }
  const project = await openProject(address, root);
  const session = await project.getSession(id, AbortSignal.timeout(10_000));
  if (session === undefined) {
    const reason = `the server at ${address.url} has no session "${id}"`;
    throw new AttachError(reason, { hint: `see what was recorded: ${instead}`, exitCode: 1 });
  }
  if (session.directory !== root) {
    throw new AttachError(`"${id}" belongs to another project, ${session.directory}`, {
      hint: `cd ${session.directory} && ralph attach --session ${id}`,
      exitCode: 1,
    });
  }
}

async function handOver(
  program: string,
  args: readonly string[],
  options: { cwd: string; env: Record<string, string> },
): Promise<number> {
  // Ctrl-C belongs to the program that has the terminal.
  const ignore = () => {};
  process.on("SIGINT", ignore);
  try {
    const child = spawn(program, args, { ...options, stdio: "inherit" });
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => resolve(code ?? 1));
    });
  } finally {
    process.off("SIGINT", ignore);
  }
}
