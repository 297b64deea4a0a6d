import type { Usage } from "../event/agent_event.ts";
import { addUsage } from "../event/usage.ts";
import type { LoopEvent } from "../event/loop_event.ts";
import type { Sink } from "../event/sink.ts";
import type { NumberedEvent } from "../event/numbered_event.ts";
import { isBusy } from "../base/lock.ts";
import { outputText } from "../event/output_text.ts";
import { type ProcessIdentity, processIdentity } from "../base/process_identity.ts";
import { LOCKED, whenFree } from "./registry/when_free.ts";
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
  /** The registry with the session. */
  registry: Registry;
  /** The log of the session. */
  log: SessionLog;
  /** How long a change of the registry may wait to be batched, in milliseconds. @default {200} */
  batchMs?: number | undefined;
  /** Identifies the agent's process. @default {processIdentity} */
  identify?: (pid: number) => ProcessIdentity | undefined;
  /** Receives, once, that the registry is locked by another process. */
  onWarning?: ((message: string) => void) | undefined;
}

/** How long a transaction may hold everything else up, in milliseconds. */
const COMMIT_WAIT_MS = 250;
const RETRY_MS = 1_000;

/**
 * Records a session: events in its log, their summary in the registry, the agents' output in
 * `output.log`.
 *
 * A written event survives the death of this process. The registry follows in batches, one
 * transaction each: at once for an agent's process and at the end of an iteration, a moment later
 * for the rest. The log is synced to disk at the end of each iteration, without waiting; the end of
 * the loop waits for it.
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
 * for await (const event of events) await recorder.write(event);
 * ```
 */
export class Recorder implements Sink {
  readonly #id: string;
  readonly #registry: Registry;
  readonly #log: SessionLog;
  readonly #batchMs: number;
  readonly #identify: (pid: number) => ProcessIdentity | undefined;
  #writes: RegistryWrite[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The pending write of all events from this turn of the event loop. */
  #flushing: Promise<void> | undefined;
  /** The pending sync to disk. */
  #syncing: Promise<void> = Promise.resolve();
  /** An error that no caller awaited; the next write or the end throws it. */
  #failure: { error: unknown } | undefined;
  /** The usage of finished iterations, and of the current one so far. */
  #used: Usage;
  readonly #onWarning: ((message: string) => void) | undefined;
  #warned = false;
  #current: Usage | undefined;

  /**
   * Creates a recorder for a running session.
   *
   * @param id The session, which must be running.
   * @param options Where to record it; the recorder closes neither the registry nor the log.
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
    this.#onWarning = options.onWarning;
  }

  /** The number of the last event; 0 before the first. */
  get lastSeq(): number {
    return this.#log.lastSeq;
  }

  /**
   * Records an event. When the promise fulfils, the operating system has the event: do not share it
   * earlier.
   *
   * @returns The event with its number.
   * @throws If the event cannot be written, or an earlier one failed to reach the registry or the
   * disk.
   */
  async write(event: LoopEvent): Promise<NumberedEvent> {
    this.#throwFailure();
    const numbered = this.#log.append(event);
    const text = outputText(event);
    if (text !== "") this.#log.appendOutput(text);
    // Events written in the same turn share one system call.
    this.#flushing ??= Promise.resolve().then(() => {
      this.#flushing = undefined;
      return this.#log.flush();
    });
    const flushing = this.#flushing;
    this.#enqueue(event);
    await flushing;
    if (event.type === "loop_finished") await this.#commitAll();
    else if (isUrgent(event)) this.#tryCommit();
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
   * @returns A promise that fulfils when all events are on the disk.
   */
  async flush(): Promise<void> {
    await this.#log.flush();
    await this.#commitAll();
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
      // A stream of output only changes updatedAt, so it must be cheap.
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

  /** The changes of an event that depend on earlier events. */
  #morePatch(event: LoopEvent): SessionPatch {
    if (event.type === "agent" && event.event.kind === "process") {
      // An agent that has already ended needs no identity.
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
    }, { waitMs: COMMIT_WAIT_MS });
    // Cleared only now: a failed batch becomes part of the next one.
    this.#writes = [];
    this.#warned = false;
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

  /** The log has the events, so that a registry that is locked can wait: the loop goes on. */
  #tryCommit(): void {
    try {
      this.#commit();
    } catch (error) {
      if (isBusy(error)) {
        this.#warnLocked();
        this.#timer ??= setTimeout(() => this.#tryCommit(), RETRY_MS);
      } else {
        this.#failure ??= { error };
      }
    }
  }

  /** At the end nobody comes later to do it. */
  async #commitAll(): Promise<void> {
    await whenFree(() => this.#commit(), { onWarning: () => this.#warnLocked() });
  }

  #warnLocked(): void {
    if (!this.#warned) this.#onWarning?.(LOCKED);
    this.#warned = true;
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
