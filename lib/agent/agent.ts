import type { Prd, Story } from "../task/prd/prd.ts";
import type { AgentTerminal } from "./agent_terminal.ts";
import type { AgentEnding, AgentEvent, Denial, Usage } from "../event/agent_event.ts";

/** The result of an agent's run. */
export interface AgentResult {
  /** How it ended. */
  ending: AgentEnding;
  /** Its exit code; `null` if a signal ended it or it never started. */
  exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; `null` if none did. */
  signal: string | null;
  /** How long it ran, in milliseconds. */
  durationMs: number;
  /** Its usage; absent if it reports none. */
  usage?: Usage | undefined;
  /** The id of its conversation; absent if it has none. */
  agentSessionId?: string | undefined;
  /** Permissions that it was refused. */
  denials: Denial[];
  /** At most the last 20 lines of its stderr, trimmed. */
  stderrTail: string[];
}

/** A command to a running agent. */
export type AgentCommand =
  /** Send this to the agent as the user. */
  | { kind: "message"; text: string }
  /** Interrupt its turn, and let it wait for a message. */
  | { kind: "interrupt" };

/** Options for {@linkcode Agent.start}. */
export interface AgentStartOptions {
  /** The whole prompt. */
  prompt: string;
  /** The folder in which the agent works: an absolute path. */
  cwd: string;
  /** The task folder: an absolute path. */
  taskDir: string;
  /** The current PRD. */
  prd: Prd;
  /** The story to work on. */
  story: Story;
  /** The number of the iteration, from 1, for display. @default {unknown} */
  iteration?: number | undefined;
  /** The model to use. @default {the agent's own default} */
  model?: string | undefined;
  /**
   * The whole environment of the agent; nothing is added. If it has `RALPH_RUN`, all processes with
   * the same value are ended with the agent, in any process group.
   */
  env: Record<string, string>;
  /**
   * A folder for files of the run that only the user may read, such as the prompt; it is removed
   * with the session, even one that was killed. @default {the system's temporary folder}
   */
  scratchDir?: string | undefined;
  /** Whether the agent may do anything without asking. @default {false} */
  yolo?: boolean | undefined;
  /** Called when it has written anything, even without an event: half a line, a progress bar. */
  onOutput?: (() => void) | undefined;
  /**
   * Ends the agent: its process group gets SIGTERM, and SIGKILL 5 seconds later, or 0.6 seconds
   * later if the ending is `aborted`. The ending is `signal.reason` if that is an
   * {@linkcode AgentEnding}, else `aborted`.
   */
  signal?: AbortSignal | undefined;
}

/** One run of an agent. Disposing of it ends all its processes. */
export interface AgentRun extends AsyncDisposable {
  /**
   * The events, as they happen; ends when the agent has ended. Can be read once. A slow reader
   * slows the agent down; nothing is lost.
   */
  readonly events: AsyncIterable<AgentEvent>;
  /**
   * The result. Never rejects, and settles only if `events` is read to its end.
   */
  readonly result: Promise<AgentResult>;
  /**
   * Sends a command to the running agent.
   *
   * @returns Whether this agent understands the command and can take it now.
   */
  send(command: AgentCommand): Promise<boolean>;
  /** The terminal of an agent that runs in a PTY; absent before it has started. */
  readonly terminal?: AgentTerminal | undefined;
  /**
   * A person takes over the agent, or gives it back. While it is taken over it does not end after
   * its turn. Given back, it ends at once if it is idle.
   */
  setInteractive?(enabled: boolean): void;
}

/** Whether an agent can be used on this machine. */
export type AgentAvailability =
  | { available: true; path?: string | undefined; version?: string | undefined }
  /** `path` is where it is installed, if it is but cannot be used. */
  | { available: false; reason: string; hint?: string | undefined; path?: string | undefined };

/** Options for {@linkcode Agent.probe}. */
export interface AgentProbeOptions {
  /** The environment to search, above all its PATH. */
  env: Record<string, string>;
  /** Whether to ask for its version too, which starts it. @default {false} */
  version?: boolean | undefined;
  /** Cancels the probe. */
  signal?: AbortSignal | undefined;
}

/** Something that can work on a story: Claude Code, OpenCode, a command, the demo. */
export interface Agent {
  /** Its name in `--agent` and prd.json. */
  readonly name: string;
  /** Whether it runs in a PTY. @default {false} */
  readonly pty?: boolean | undefined;
  /** Checks whether it is installed, without side effects. */
  probe(options: AgentProbeOptions): Promise<AgentAvailability>;
  /** Starts it on a story. Never throws: a failure is the result's ending. */
  start(options: AgentStartOptions): AgentRun;
}
