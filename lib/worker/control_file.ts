import { appendFile, mkdir, open, readFile } from "node:fs/promises";
import { type FSWatcher, watch } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { isNotFound } from "../base/error_code.ts";
import type { LoopControl, LoopRequest } from "../loop/loop_control.ts";

const FILE = "control.ndjson";

/**
 * Watching a folder does not work on every file system, so the file is also polled, in
 * milliseconds.
 */
const POLL_MS = 2_000;

const requestSchema = z.union([
  z.object({ kind: z.enum(["stop", "checkpoint"]), reason: z.string() }),
  z.object({ kind: z.literal("retry") }),
]);

const killSchema = z.object({ kind: z.literal("kill"), reason: z.string() });

/** A request for the worker of a session; `retry` ends a wait. */
export type ControlRequest = LoopRequest | { kind: "retry" };

/**
 * Leaves a request for the worker of a session in the session's own folder, so that a late request
 * can never reach another session.
 */
export async function writeControl(dir: string, request: ControlRequest): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await appendFile(join(dir, FILE), `${JSON.stringify(request)}\n`, { mode: 0o600 });
}

/**
 * Notes that a session is about to be killed, and why: its worker cannot record it any more, and
 * whoever finds it dead does.
 */
export async function announceKill(dir: string, reason: string): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await appendFile(join(dir, FILE), `${JSON.stringify({ kind: "kill", reason })}\n`, {
    mode: 0o600,
  });
}

/** Why a session was killed; `undefined` if nobody said so. */
export async function killReason(dir: string): Promise<string | undefined> {
  const text = await readFile(join(dir, FILE), "utf8").catch((error) => {
    if (isNotFound(error)) return "";
    throw error;
  });
  for (const line of text.split("\n").reverse()) {
    const parsed = killSchema.safeParse(parseJson(line));
    if (parsed.success) return parsed.data.reason;
  }
  return undefined;
}

/**
 * Passes requests for a session to its loop as they come. Dispose of the result to stop watching.
 */
export async function watchControl(dir: string, control: LoopControl): Promise<AsyncDisposable> {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  // Opened for appending, so that it is there to be watched.
  const file = await open(join(dir, FILE), "a+", 0o600);
  let position = 0;
  let reading: Promise<void> | undefined;
  let again = false;
  const read = async (): Promise<void> => {
    do {
      again = false;
      const { size } = await file.stat();
      if (size <= position) continue;
      const bytes = new Uint8Array(size - position);
      const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
      const text = new TextDecoder().decode(bytes.subarray(0, bytesRead));
      const end = text.lastIndexOf("\n") + 1;
      position += new TextEncoder().encode(text.slice(0, end)).length;
      for (const line of text.slice(0, end).split("\n")) obey(line, control);
    } while (again);
  };
  const look = (): void => {
    again = true;
    reading ??= read().finally(() => reading = undefined);
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(join(dir, FILE), look);
    watcher.on("error", () => watcher?.close());
  } catch {
    // Polling alone has to do.
  }
  const timer = setInterval(look, POLL_MS);
  look();
  return {
    async [Symbol.asyncDispose](): Promise<void> {
      clearInterval(timer);
      watcher?.close();
      await reading;
      await file.close();
    },
  };
}

function obey(line: string, control: LoopControl): void {
  const request = requestSchema.safeParse(parseJson(line));
  if (!request.success) return;
  switch (request.data.kind) {
    case "stop":
      control.requestStop(request.data.reason);
      break;
    case "checkpoint":
      control.requestCheckpoint(request.data.reason);
      break;
    case "retry":
      control.retryNow();
      break;
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
