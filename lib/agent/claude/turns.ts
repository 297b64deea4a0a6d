import { z } from "zod";
import type { AgentCommand } from "../agent.ts";
import type { AgentEvent } from "../../event/agent_event.ts";
import type { AgentReport } from "../ending/classify_ending.ts";
import { claudeReport, type ClaudeState, newClaudeState, parseClaudeEvent } from "./events.ts";
import type { PtyLook } from "../pty/pty_turns.ts";
import { TailFile } from "../../base/tail_file.ts";

const signalSchema = z.object({
  hook_event_name: z.enum(["SessionStart", "UserPromptSubmit", "Stop", "StopFailure"]),
  session_id: z.string(),
  transcript_path: z.string(),
  prompt_id: z.string().optional().catch(undefined),
  model: z.string().optional().catch(undefined),
  error: z.string().optional().catch(undefined),
  last_assistant_message: z.string().catch(""),
});

type Signal = z.infer<typeof signalSchema>;

/** Where the last signal of Claude Code is, and the time. */
export interface ClaudeTurnsOptions {
  /** Reads the last signal. */
  read: () => Promise<unknown>;
  /** The folder in which Claude works. */
  cwd: string;
  /** The time in milliseconds since any moment. @default {performance.now} */
  now?: () => number;
}

/** Interrupted before it has said a word, Claude takes the prompt back and writes nothing down. */
const INTERRUPTED_MS = 2000;
/** What may pass until a message that was typed is a turn. */
const MESSAGE_MS = 10_000;
/** Hooks of the user may send Claude back to work after a Stop; the transcript says when not. */
const QUIET_MS = 5000;

/**
 * Follows the turns of Claude Code's own terminal program: its hooks say where a turn stands, its
 * transcript says what happened.
 */
export class ClaudeTurns implements AsyncDisposable {
  readonly #options: ClaudeTurnsOptions;
  readonly #state: ClaudeState;
  readonly #now: () => number;
  #signal: Signal | undefined;
  #tail: TailFile | undefined;
  /** The transcript says that the turn is over, whatever hooks did. */
  #settled = false;
  /** When it was interrupted, if it has not been heard of since. */
  #interruptedAt: number | undefined;
  /** When it was told something of which it has not been heard yet. */
  #messageAt: number | undefined;
  #heardAt = 0;

  /**
   * Begins to follow.
   *
   * @param options Where the signals come from.
   */
  constructor(options: ClaudeTurnsOptions) {
    this.#options = options;
    this.#state = newClaudeState(options.cwd);
    this.#now = options.now ?? (() => performance.now());
  }

  /** Whether a person has interrupted its last turn. */
  get interrupted(): boolean {
    const isQuiet = this.#interruptedAt !== undefined &&
      this.#now() - this.#interruptedAt > INTERRUPTED_MS;
    return (this.#state.interrupted ?? false) || isQuiet;
  }

  /**
   * Notes what it was told.
   *
   * @param command A message that begins a turn, or an interrupt that ends one.
   */
  onCommand(command: AgentCommand): void {
    const now = this.#now();
    this.#interruptedAt = command.kind === "interrupt" ? now : undefined;
    this.#messageAt = command.kind === "message" ? now : undefined;
    if (command.kind === "message") this.#state.interrupted = false;
  }

  /** What Claude said about the end of its last turn; nothing if it is in the middle of one. */
  get report(): AgentReport | undefined {
    const { hook_event_name: event, error, last_assistant_message: message } = this.#signal ?? {};
    if (event === "Stop") return { failed: false, message: message ?? "" };
    if (event !== "StopFailure") return undefined;
    const lastError = { code: error ?? "unknown", message: message ?? "" };
    return claudeReport(
      { type: "result", is_error: true, result: message, permission_denials: [] },
      { ...this.#state, lastError },
    );
  }

  /**
   * Looks what happened since the last time.
   *
   * @returns What happened, and where the turn stands.
   */
  async look(): Promise<PtyLook> {
    // The signal first: what the transcript holds afterwards is as new at least.
    const events = await this.#readSignal();
    for await (const line of this.#tail?.read() ?? []) {
      this.#heardAt = this.#now();
      this.#learn(line);
      events.push(...parseClaudeEvent(line, this.#state));
    }
    return { events, started: this.#signal !== undefined, idle: this.#isIdle() };
  }

  /** Closes the transcript. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail?.[Symbol.asyncDispose]();
  }

  async #readSignal(): Promise<AgentEvent[]> {
    const read = signalSchema.safeParse(await this.#options.read());
    if (!read.success) return [];
    const before = this.#signal;
    const signal = this.#signal = read.data;
    const { hook_event_name: name, prompt_id: prompt } = signal;
    if (before?.hook_event_name !== name || before.prompt_id !== prompt) {
      this.#heardAt = this.#now();
      this.#interruptedAt = this.#messageAt = undefined;
      if (name === "UserPromptSubmit") {
        this.#settled = this.#state.interrupted = false;
      }
    }
    if (before?.transcript_path === signal.transcript_path) return [];
    // A person may begin another conversation in the same program.
    await this.#tail?.[Symbol.asyncDispose]();
    this.#tail = new TailFile(signal.transcript_path);
    const { session_id: agentSessionId, model } = signal;
    return [{ kind: "session", agentSessionId, ...(model !== undefined && { model }) }];
  }

  /** Inside of a text these quotes would be escaped: no prose is taken for a record. */
  #learn(line: string): void {
    if (line.includes('"subtype":"turn_duration"')) this.#settled = true;
    else if (/"type":"(?:user|assistant)"/.test(line)) {
      this.#settled = false;
      if (line.includes('"type":"assistant"')) this.#interruptedAt = undefined;
    }
  }

  #isIdle(): boolean {
    if (this.#messageAt !== undefined && this.#now() - this.#messageAt < MESSAGE_MS) return false;
    if (this.interrupted) return true;
    switch (this.#signal?.hook_event_name) {
      case "Stop":
      case "StopFailure":
        return this.#settled || this.#now() - this.#heardAt > QUIET_MS;
      case "SessionStart":
      case "UserPromptSubmit":
      case undefined:
        return false;
    }
  }
}
