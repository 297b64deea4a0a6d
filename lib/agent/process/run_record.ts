import type { AgentResult } from "../agent.ts";
import type { AgentEnding, AgentEvent, Denial, Usage } from "../../event/agent_event.ts";
import { BoundedQueue } from "../../base/bounded_queue.ts";
import type { EndingFacts } from "../ending/classify_ending.ts";
import { cutText } from "../../base/cut_text.ts";
import { findSecrets, maskSecrets } from "../../base/mask_secrets.ts";

const QUEUED_EVENTS = 64;
const TAIL_LINES = 20;
const TAIL_LINE_LENGTH = 500;

/** How a process ended. */
export interface ProcessExit {
  /** Its exit code; `null` if a signal ended it or it never started. */
  exitCode: number | null;
  /** The signal that ended it; `null` if none did. */
  signal: string | null;
  /** How long it ran, in milliseconds. */
  durationMs: number;
}

/** The record of an agent's run, with secrets masked: its events, and what its result needs. */
export class RunRecord {
  /** The events, for a single reader. */
  readonly queue: BoundedQueue<AgentEvent> = new BoundedQueue(QUEUED_EVENTS);
  readonly #secrets: string[];
  readonly #startedAt = performance.now();
  readonly #tails = { stdout: [] as string[], stderr: [] as string[] };
  readonly #denials: Denial[] = [];
  #usage: Usage | undefined;
  #agentSessionId: string | undefined;
  #sawOutput = false;

  /**
   * Starts the record; secrets are taken from `env`.
   *
   * @param env The environment of the agent, in which its secrets are.
   */
  constructor(env: Record<string, string>) {
    this.#secrets = findSecrets(env);
  }

  /** The time since the start, in milliseconds. */
  get durationMs(): number {
    return Math.round(performance.now() - this.#startedAt);
  }

  /**
   * Passes an event on.
   *
   * @returns A promise that fulfils when there is room, if the reader is behind.
   */
  emit(event: AgentEvent): Promise<void> | undefined {
    const masked = this.#secrets.length === 0 ? event : maskEvent(event, this.#secrets);
    if (masked.kind === "usage") this.#usage = masked.usage;
    if (masked.kind === "session") this.#agentSessionId = masked.agentSessionId;
    if (masked.kind === "denial") this.#denials.push(masked.denial);
    return this.queue.push(masked);
  }

  /** Keeps a line of output, to explain a failure. */
  keepLine(line: string, stream: "stdout" | "stderr"): void {
    if (stream === "stdout") this.#sawOutput = true;
    if (line.trim() === "") return;
    const tail = this.#tails[stream];
    tail.push(maskSecrets(cutText(line.trim(), TAIL_LINE_LENGTH), this.#secrets));
    if (tail.length > TAIL_LINES) tail.shift();
  }

  /**
   * Builds the result.
   *
   * @param ending How it ended, or a function that determines it from the facts.
   * @param exit How its process ended. @default {it never started}
   */
  toResult(
    ending: AgentEnding | ((facts: EndingFacts) => AgentEnding),
    exit: ProcessExit = { exitCode: null, signal: null, durationMs: this.durationMs },
  ): AgentResult {
    const common = { ...exit, denials: this.#denials, stderrTail: this.#tails.stderr };
    const facts = { ...common, outputTail: this.#tails.stdout, sawOutput: this.#sawOutput };
    const classified = typeof ending === "function" ? ending(facts) : ending;
    return {
      ...common,
      ending: "message" in classified
        ? { ...classified, message: maskSecrets(classified.message, this.#secrets) }
        : classified,
      usage: this.#usage,
      agentSessionId: this.#agentSessionId,
    };
  }
}

/** Replaces every secret in the text of an event with `***`. */
function maskEvent(event: AgentEvent, secrets: string[]): AgentEvent {
  const mask = (text: string) => maskSecrets(text, secrets);
  switch (event.kind) {
    case "text":
      return { ...event, text: mask(event.text) };
    case "tool":
    case "tool_result":
      return { ...event, detail: mask(event.detail) };
    case "denial":
      return { ...event, denial: { ...event.denial, detail: mask(event.denial.detail) } };
    case "error":
      return { ...event, message: mask(event.message) };
    case "output":
      return { ...event, line: mask(event.line) };
    case "process":
    case "session":
    case "server":
    case "usage":
      return event;
  }
}
