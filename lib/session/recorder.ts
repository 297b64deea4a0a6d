import type { Usage } from "../event/agent_event.ts";
import { addUsage } from "../event/usage.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import type { NumberedEvent } from "../event/numbered_event.ts";
import { outputText } from "../event/output_text.ts";
import { type ProcessIdentity, processIdentity } from "../base/process_identity.ts";
import { SessionNotFoundError } from "./registry/registry_error.ts";
import type { Registry } from "./registry/registry.ts";
import {
  isOutput,
  isUrgent,
  type RegistryWrite,
  registryWrite,
} from "./registry/registry_writes.ts";
import type { SessionLog } from "./log/session_log.ts";
import type { SessionPatch } from "./model/session.ts";

/** Options for {@linkcode Recorder}. */
export interface RecorderOptions {
  /** The registry that has the session. */
  registry: Registry;
  /** The log of the session. */
  log: SessionLog;
  /** How long a change of the registry may wait for others, in milliseconds. @default {200} */
  batchMs?: number;
  /** Identifies the agent's process. @default {processIdentity} */
  identify?: (pid: number) => ProcessIdentity | undefined;
}

/**
 * Records what happens in a session: events in its log, their sum in the registry, the
 * agents' output in `output.log`.
 *
 * An event that was written survives the death of this process. The registry follows in
 * batches, one transaction each: at once for an agent's process and at the end of an
 * iteration, a moment later for the rest. At the end of an iteration the disk is asked to keep the
 * log, without waiting for it; at the end of the loop it is waited for.
 *
 * @example Usage
 * ```ts ignore
 * import { openRegistry } from "@ralph/cli";
 * import { openSessionLog } from "./log/session_log.ts";
 * import { Recorder } from "./recorder.ts";
 * import { sessionLogDir } from "./model/session_paths.ts";
 *
 * using registry = openRegistry();
 * await using log = await openSessionLog(sessionLogDir(session.id));
 * await using recorder = new Recorder(session.id, { registry, log });
 * for await (const event of events) server.publish(await recorder.write(event));
 * ```
 */
export class Recorder implements AsyncDisposable {
  readonly #id: string;
  readonly #registry: Registry;
  readonly #log: SessionLog;
  readonly #batchMs: number;
  readonly #identify: (pid: number) => ProcessIdentity | undefined;
  #writes: RegistryWrite[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The write of all events of this turn of the event loop. */
  #flushing: Promise<void> | undefined;
  /** What the disk is still working on. */
  #syncing: Promise<void> = Promise.resolve();
  /** What went wrong where nobody waited; the next write or the end says so. */
  #failure: { error: unknown } | undefined;
  /** What the iterations used that have ended, and what the current one used so far. */
  #used: Usage;
  #current: Usage | undefined;

  /**
   * Makes a recorder.
   *
   * @param id The session, which runs.
   * @param options Where to record it; closing the recorder closes neither.
   * @throws {SessionNotFoundError} If the registry has no such session.
   */
  constructor(id: string, options: RecorderOptions) {
    const session = options.registry.getSession(id);
    if (!session) throw new SessionNotFoundError(id);
    this.#id = id;
    this.#registry = options.registry;
    this.#log = options.log;
    this.#batchMs = options.batchMs ?? 200;
    this.#identify = options.identify ?? processIdentity;
    this.#used = session.usage;
  }

  /** The number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.#log.lastSeq;
  }

  /**
   * Records an event. When the promise fulfils the event is with the operating system:
   * share it then, and not before.
   *
   * @param event The event.
   * @returns The event with its number.
   * @throws If the event cannot be written, or an earlier one could not reach the registry or
   * the disk.
   */
  async write(event: LoopEvent): Promise<NumberedEvent> {
    this.#throwFailure();
    const numbered = this.#log.append(event);
    const text = outputText(event);
    if (text !== "") this.#log.appendOutput(text);
    // Events that are written in one turn share one system call.
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return this.#log.flush();
    });
    const flushing = this.#flushing;
    this.#enqueue(event);
    await flushing;
    if (isUrgent(event)) this.#commit();
    if (event.type === "iteration_finished" || event.type === "loop_finished") {
      this.#syncing = this.#sync(this.#syncing);
      if (event.type === "loop_finished") {
        await this.#syncing;
        this.#throwFailure();
      }
    }
    return numbered;
  }

  /**
   * Brings the registry and `output.log` up to date.
   *
   * @returns When the disk has all events.
   */
  async flush(): Promise<void> {
    await this.#log.flush();
    this.#commit();
    await this.#syncing;
    await this.#log.flush({ fsync: true });
    this.#throwFailure();
  }

  /** Records what is pending. The registry and the log stay open. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.flush();
    } finally {
      clearTimeout(this.#timer);
    }
  }

  #enqueue(event: LoopEvent): void {
    const last = this.#writes.at(-1);
    if (last?.kind === "patch" && isOutput(event)) {
      // A stream of output is one change of updatedAt, and must cost nothing more.
      last.patch.updatedAt = event.time;
      return;
    }
    const write = registryWrite(event);
    if (write.kind === "patch") {
      const patch = { ...write.patch, ...this.#morePatch(event) };
      if (last?.kind === "patch") Object.assign(last.patch, patch);
      else this.#writes.push({ kind: "patch", patch });
    } else {
      const patch = this.#morePatch(event);
      if (patch.usage) this.#writes.push({ kind: "patch", patch });
      this.#writes.push(write);
    }
    this.#timer ??= setTimeout(() => this.#tryCommit(), this.#batchMs);
  }

  /** What an event changes, seen together with those before it. */
  #morePatch(event: LoopEvent): SessionPatch {
    if (event.type === "agent" && event.event.kind === "process") {
      // An agent that has ended by now has no identity, and needs none.
      return { agentProcess: this.#identify(event.event.pid) ?? null };
    }
    if (event.type === "agent" && event.event.kind === "usage") {
      this.#current = event.event.usage;
      return { usage: addUsage(this.#used, this.#current) };
    }
    if (event.type === "iteration_finished") {
      const used = event.usage ?? this.#current;
      this.#current = undefined;
      if (!used) return {};
      this.#used = addUsage(this.#used, used);
      return { usage: this.#used, updatedAt: event.time };
    }
    return {};
  }

  #commit(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#log.flushOutput();
    if (this.#writes.length === 0) return;
    const writes = this.#writes;
    this.#registry.transaction(() => {
      for (const write of writes) this.#apply(write);
    });
    // Only now: a batch that failed is part of the next one.
    this.#writes = [];
  }

  #apply(write: RegistryWrite): void {
    switch (write.kind) {
      case "patch":
        this.#registry.updateSession(this.#id, write.patch);
        return;
      case "begin":
        this.#registry.beginIteration(this.#id, write.start);
        return;
      case "finish":
        this.#registry.finishIteration(this.#id, write.summary, { endedAt: write.endedAt });
        return;
      case "end":
        this.#registry.endSession(this.#id, write.status, write.reason, write.options);
    }
  }

  #tryCommit(): void {
    try {
      this.#commit();
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  async #sync(before: Promise<void>): Promise<void> {
    await before;
    try {
      await this.#log.flush({ fsync: true });
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure) throw failure.error;
  }
}
