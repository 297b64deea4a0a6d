import * as z from "zod";
import {
  type PermissionRequest,
  readServerEvent,
  type ServerError,
  type ServerEvent,
} from "./server/event.ts";
import type { AgentCommand } from "../agent.ts";
import type { AgentEnding, AgentEvent } from "../../event/agent_event.ts";
import { classifyEnding, type EndingFacts } from "../ending/classify_ending.ts";
import { cutText } from "../../base/cut_text.ts";
import { endingOfRetry, endingOfServerError } from "./ending.ts";
import { newOpencodeState, opencodeEvents } from "./events.ts";
import type { PtyLook } from "../pty/pty_turns.ts";
import { TailFile } from "../../base/tail_file.ts";
import { sessionEvent } from "../session_event.ts";

const signalSchema = z.object({ state: z.string(), sessionID: z.string() });

const refusalSchema = z.object({
  type: z.literal("ralph.refused"),
  properties: z.object({ permission: z.string(), patterns: z.array(z.string()).default([]) }),
});

/** How long a typed message may take to begin a turn, in milliseconds. */
const MESSAGE_MS = 10_000;

/** Options for {@linkcode OpencodeTurns}. */
export interface OpencodeTurnsOptions {
  /** Reads the last signal. */
  read: () => Promise<unknown>;
  /** The file with the events. */
  eventsFile: string;
  /** The folder in which OpenCode works. */
  cwd: string;
  /** The requested model. */
  model?: string | undefined;
  /** The time in milliseconds since the epoch. */
  now: () => number;
}

/** Follows the turns of the interactive OpenCode, from the files of its plugin. */
export class OpencodeTurns implements AsyncDisposable {
  readonly #options: OpencodeTurnsOptions;
  readonly #state;
  readonly #tail: TailFile;
  readonly #roots = new Set<string>();
  #idle = false;
  #started = false;
  /** When a message was sent that has not begun a turn yet. */
  #messageAt: number | undefined;
  /** The error of the turn. */
  #error: ServerError | undefined;
  /** Set if OpenCode would retry in vain. */
  #hopeless: AgentEnding | undefined;

  constructor(options: OpencodeTurnsOptions) {
    this.#options = options;
    this.#state = newOpencodeState(options.cwd);
    this.#tail = new TailFile(options.eventsFile);
  }

  /**
   * Checks what happened since the last call.
   *
   * @returns What happened, and the state of the turn.
   */
  async look(): Promise<PtyLook> {
    // Reads the signal first: the events that led to it were written before it.
    const signal = signalSchema.safeParse(await this.#options.read());
    this.#started ||= signal.success;
    this.#idle = signal.data?.state === "idle" &&
      (this.#messageAt === undefined || this.#options.now() - this.#messageAt > MESSAGE_MS);
    const events: AgentEvent[] = [];
    for await (const line of this.#tail.read()) events.push(...this.#take(line));
    return { events, started: this.#started, idle: this.#idle || this.#hopeless !== undefined };
  }

  /**
   * Notes a command to the agent.
   *
   * @param command A message that begins a turn, or an interrupt that ends one.
   */
  onCommand(command: AgentCommand): void {
    this.#messageAt = command.kind === "message" ? this.#options.now() : undefined;
  }

  /**
   * Determines how it ended.
   *
   * @param facts What is known about the process.
   */
  ending(facts: EndingFacts): AgentEnding {
    const now = this.#options.now();
    if (this.#hopeless !== undefined) return this.#hopeless;
    if (this.#error !== undefined) return endingOfServerError(this.#error, now);
    const early = !this.#idle && facts.exitCode === 0;
    return classifyEnding(facts, {
      now,
      // We asked it to leave, so its exit code does not matter.
      succeeded: this.#idle,
      failure: early ? "OpenCode ended in the middle of its turn" : undefined,
    });
  }

  /** Closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail[Symbol.asyncDispose]();
  }

  #take(line: string): AgentEvent[] {
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return [];
    }
    if (typeof value !== "object" || value === null) return [];
    const refusal = refusalSchema.safeParse(value);
    if (refusal.success) return [denialOf(refusal.data.properties)];
    const event = readServerEvent(value);
    if (event === undefined) return [];
    const begun = this.#learn(event);
    return [...begun, ...opencodeEvents(event, this.#state)];
  }

  #learn(event: ServerEvent): AgentEvent[] {
    switch (event.type) {
      case "session.created": {
        const { id, parentID } = event.properties.info;
        if (parentID !== undefined) return [];
        this.#roots.add(id);
        this.#state.sessions.add(id);
        return [sessionEvent(id, this.#options.model)];
      }
      case "message.updated": {
        const { id, role, error, sessionID } = event.properties.info;
        if (!this.#roots.has(sessionID)) return [];
        if (role === "assistant") this.#note(error);
        else if (!this.#state.roles.has(id)) {
          // The first message is our prompt.
          if (this.#state.ours.size === 0) this.#state.ours.add(id);
          this.#error = this.#hopeless = this.#messageAt = undefined;
        }
        return [];
      }
      case "session.error":
        if (this.#roots.has(event.properties.sessionID ?? "")) this.#note(event.properties.error);
        return [];
      case "session.status": {
        const { sessionID, status } = event.properties;
        if (!this.#roots.has(sessionID)) return [];
        this.#hopeless = status.type === "retry"
          ? endingOfRetry(status, this.#options.now())
          : this.#hopeless;
        return [];
      }
      case "session.idle":
      case "message.part.updated":
      case "permission.asked":
      case "question.asked":
        return [];
    }
  }

  /** An interrupt by a person is not a failure. */
  #note(error: ServerError | undefined): void {
    if (error !== undefined && error.name !== "MessageAbortedError") this.#error = error;
  }
}

function denialOf(request: Pick<PermissionRequest, "permission" | "patterns">): AgentEvent {
  const detail = cutText(request.patterns.join(", "));
  return { kind: "denial", denial: { tool: request.permission, detail } };
}
