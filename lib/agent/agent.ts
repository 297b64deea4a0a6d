import type { Prd, Story } from "../task/prd/prd.ts";
import type { AgentTerminal } from "./agent_terminal.ts";
import type { AgentEnding, AgentEvent, Denial, Usage } from "../event/agent_event.ts";

/** What is left when an agent has ended. */
export interface AgentResult {
  /** How it ended. */
  ending: AgentEnding;
  /** Its exit code; `null` if a signal ended it or it never started. */
  exitCode: number | null;
  /** The signal that ended it, such as `SIGKILL`; `null` if none did. */
  signal: string | null;
  /** How long it ran, in milliseconds. */
  durationMs: number;
  /** What it used; absent if it does not say. */
  usage?: Usage;
  /** The id of its own conversation; absent if it has none. */
  agentSessionId?: string;
  /** Permissions that it was refused. */
  denials: Denial[];
  /** The last 20 lines at most of its stderr, trimmed. */
  stderrTail: string[];
}

/** A command to a running agent. */
export type AgentCommand =
  /** Say this to the agent as the user. */
  | { kind: "message"; text: string }
  /** Interrupt what it is doing, and let it wait for a message. */
  | { kind: "interrupt" };

/** Options for {@linkcode Agent.start}. */
export interface AgentStartOptions {
  /** The whole prompt. */
  prompt: string;
  /** The folder in which the agent works: an absolute path. */
  cwd: string;
  /** The task folder: an absolute path. */
  taskDir: string;
  /** The PRD as it is now. */
  prd: Prd;
  /** The story to work on. */
  story: Story;
  /** The number of the iteration, from 1, for what is shown to people. @default {unknown} */
  iteration?: number;
  /** The model to use. @default {the agent's own default} */
  model?: string;
  /**
   * The whole environment of the agent; nothing is added to it. Where it holds `RALPH_RUN`, all
   * processes that carry the same value are ended with the agent, whatever group they are in.
   */
  env: Record<string, string>;
  /** Whether the agent may do anything without asking. @default {false} */
  yolo?: boolean;
  /** Called when it has written something, also what makes no event: half a line, a progress bar. */
  onOutput?: () => void;
  /**
   * Ends the agent: its process group gets SIGTERM, and SIGKILL 5 seconds later, or 0.6
   * seconds later where the ending is `aborted`. The ending is `signal.reason` if that is an {@linkcode AgentEnding}, else `aborted`.
   */
  signal?: AbortSignal;
}

/** One run of an agent. Dispose of it to make sure that nothing of it is left. */
export interface AgentRun extends AsyncDisposable {
  /**
   * What happens, as it happens; ends when the agent has ended. It can be read
   * once. A reader that is slow slows the agent down, and nothing is lost.
   */
  readonly events: AsyncIterable<AgentEvent>;
  /**
   * What is left at the end. Never rejects, and settles only while `events` is
   * being read to its end.
   */
  readonly result: Promise<AgentResult>;
  /**
   * Sends a command to the running agent.
   *
   * @returns Whether this agent understands the command and is able to take it now.
   */
  send(command: AgentCommand): Promise<boolean>;
  /** The terminal of an agent that runs in a PTY; absent before it has started. */
  readonly terminal?: AgentTerminal | undefined;
  /**
   * Tells the agent that a person takes it over or gives it back. While it is taken over it does
   * not end because its turn is over. Given back, it ends at once if it is idle.
   */
  setInteractive?(enabled: boolean): void;
}

/** Whether an agent can be used on this machine. */
export type AgentAvailability =
  | { available: true; path?: string; version?: string }
  /** `path` is where it is, if it is installed and yet cannot be used. */
  | { available: false; reason: string; hint?: string; path?: string };

/** Options for {@linkcode Agent.probe}. */
export interface AgentProbeOptions {
  /** The environment in which to look: PATH above all. */
  env: Record<string, string>;
  /** Whether to ask it for its version as well, which starts it. @default {false} */
  version?: boolean;
  /** Ends the probe early. */
  signal?: AbortSignal;
}

/** Something that can work on a story: Claude Code, OpenCode, a command, the demo. */
export interface Agent {
  /** The name by which `--agent` and prd.json know it. */
  readonly name: string;
  /** Whether it runs in a PTY. @default {false} */
  readonly pty?: boolean;
  /** Says whether it is installed, without side effects. */
  probe(options: AgentProbeOptions): Promise<AgentAvailability>;
  /** Starts it on a story. Never throws: what goes wrong is the result's ending. */
  start(options: AgentStartOptions): AgentRun;
}
