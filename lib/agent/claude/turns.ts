import * as z from "zod";
import type { AgentCommand } from "../agent.ts";
import type { AgentEvent } from "../../event/agent_event.ts";
import type { AgentReport } from "../ending/classify_ending.ts";
import { claudeReport, type ClaudeState, newClaudeState, parseClaudeEvent } from "./events.ts";
import type { PtyLook } from "../pty/pty_turns.ts";
import { TailFile } from "../../base/tail_file.ts";
import { sessionEvent } from "../session_event.ts";

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

/** Options for {@linkcode ClaudeTurns}. */
export interface ClaudeTurnsOptions {
  /** Reads the last signal. */
  read: () => Promise<unknown>;
  /** The folder in which Claude works. */
  cwd: string;
  /** A monotonic clock, in milliseconds. @default {performance.now} */
  now?: (() => number) | undefined;
}

/**
 * If interrupted before its first output, Claude takes the prompt back and writes no transcript.
 */
const INTERRUPTED_MS = 2000;
/** How long a typed message may take to begin a turn. */
const MESSAGE_MS = 10_000;
/**
 * The user's hooks may send Claude back to work after a Stop; the transcript shows if they do not.
 */
const QUIET_MS = 5000;

/**
 * Follows the turns of the interactive Claude Code: its hooks report the state of a turn, its
 * transcript what happened.
 */
export class ClaudeTurns implements AsyncDisposable {
  readonly #options: ClaudeTurnsOptions;
  readonly #state: ClaudeState;
  readonly #now: () => number;
  #signal: Signal | undefined;
  #tail: TailFile | undefined;
  /** The transcript shows that the turn is over, regardless of hooks. */
  #settled = false;
  /** When it was interrupted; cleared by its next signal. */
  #interruptedAt: number | undefined;
  /** When a message was sent that has not begun a turn yet. */
  #messageAt: number | undefined;
  #heardAt = 0;

  /** @param options The source of the signals, and the clock. */
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
   * Notes a command to the agent.
   *
   * @param command A message that begins a turn, or an interrupt that ends one.
   */
  onCommand(command: AgentCommand): void {
    const now = this.#now();
    this.#interruptedAt = command.kind === "interrupt" ? now : undefined;
    this.#messageAt = command.kind === "message" ? now : undefined;
    if (command.kind === "message") this.#state.interrupted = false;
  }

  /** Claude's report about its last turn; `undefined` in the middle of a turn. */
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
   * Checks what happened since the last call.
   *
   * @returns What happened, and the state of the turn.
   */
  async look(): Promise<PtyLook> {
    // Reads the signal first: the transcript is then at least as new.
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
    // A person may start another conversation in the same program.
    await this.#tail?.[Symbol.asyncDispose]();
    this.#tail = new TailFile(signal.transcript_path);
    const { session_id: agentSessionId, model } = signal;
    return [sessionEvent(agentSessionId, model)];
  }

  /** Inside a text these quotes would be escaped, so prose never matches. */
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
