import { setTimeout as delay } from "node:timers/promises";
import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { followSession } from "../../worker/follow_session.ts";
import type { ControlRequest } from "../../worker/control_file.ts";
import { steer } from "../../worker/steer.ts";
import { stopSession } from "../../worker/stop_session.ts";
import type { CommandContext } from "../kit/command.ts";
import { SIGNAL_EXIT_CODES } from "../kit/usage.ts";
import { Interrupts } from "../terminal/signals.ts";
import { shellWord } from "../../base/shell_word.ts";
import { readKeys } from "../terminal/read_keys.ts";
import { showRun } from "./show_run.ts";

/** Options for {@linkcode followRun}. */
export interface FollowRunOptions {
  /** The registry. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** Whether to print one JSON object a line. @default {false} */
  json?: boolean | undefined;
  /** The presses of Ctrl-C so far. @default {none} */
  interrupts?: Interrupts | undefined;
}

/** The time limit for a second Ctrl-C after the first, in milliseconds. */
const SECOND_MS = 2_000;

/** The keys of the view, and their requests to the worker. */
const KEYS: Record<string, { label: string; request?: ControlRequest | undefined }> = {
  d: { label: "leave" },
  c: { label: "checkpoint", request: { kind: "checkpoint", reason: "a key in the view" } },
  s: { label: "stop", request: { kind: "stop", reason: "SIGINT" } },
  r: { label: "retry now", request: { kind: "retry" } },
};

/**
 * Shows a session that a worker runs, until it ends. The first Ctrl-C leaves the view, and the loop
 * keeps running; a second one within two seconds stops it. On a terminal, single keys leave the
 * view, stop the loop, request a checkpoint, or end a wait.
 *
 * @returns The loop's exit code; 130 if the view was left by Ctrl-C, 0 if by its key.
 */
export async function followRun(
  context: CommandContext,
  session: Session,
  options: FollowRunOptions,
): Promise<number> {
  const { registry, paths, json = false } = options;
  const { task, id } = session;
  using own = new Interrupts();
  const interrupts = options.interrupts ?? own;
  const leave = new AbortController();
  const byKeys = context.interactive && !json;
  using _keys = byKeys
    ? readKeys((key) => {
      if (key === "\x03") interrupts.press();
      else if (key === "d") leave.abort();
      else if (KEYS[key]?.request) void steer(session, KEYS[key].request, { paths });
    })
    : undefined;
  const keys = byKeys
    ? Object.entries(KEYS).map(([key, { label }]) => ({ key, label }))
    : [{ key: "Ctrl-C", label: "leave" }, { key: "Ctrl-C Ctrl-C", label: "stop" }];
  const left = AbortSignal.any([interrupts.first, leave.signal]);
  const output = showRun(context, { task, session: id, json, keys });
  let last = 0;
  const show = async (signal?: AbortSignal): Promise<void> => {
    const events = followSession(id, {
      registry,
      paths,
      since: last,
      signal,
    });
    for await (const { event, seq } of events) {
      last = seq;
      output.write(event, seq);
    }
  };
  {
    await using _output = output;
    try {
      await show(left);
    } catch (error) {
      if (!left.aborted) throw error;
    }
  }
  if (output.result !== undefined) return output.finish();
  if (!left.aborted) return await finishWithout(context, registry, id);
  const word = shellWord(task);
  const say = json ? context.stderr : context.stdout;
  const how = `  see   ralph attach ${word}\n  stop  ralph stop ${word}\n`;
  if (leave.signal.aborted) {
    say.write(`Left ${task}; it keeps running in the background.\n${how}`);
    return 0;
  }
  say.write(`Left ${task}; it keeps running in the background. Ctrl-C again stops it.\n`);
  await delay(SECOND_MS, undefined, { signal: interrupts.second }).catch(() => {});
  if (!interrupts.second.aborted) {
    say.write(how);
    return SIGNAL_EXIT_CODES.SIGINT;
  }
  say.write(`Stopping ${task} ...\n`);
  await stopSession(session, { registry, paths, reason: "SIGINT" });
  await show();
  return output.result === undefined ? await finishWithout(context, registry, id) : output.finish();
}

/** If the worker could not write its last event, the registry knows the exit reason. */
function finishWithout(context: CommandContext, registry: Registry, id: string): Promise<number> {
  const session = registry.getSession(id);
  context.stderr.write(
    `error: The session ended as ${session?.status}: ${session?.endReason ?? "no reason given"}\n`,
  );
  return Promise.resolve(1);
}
