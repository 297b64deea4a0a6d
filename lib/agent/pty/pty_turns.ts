import type { AgentCommand } from "../agent.ts";
import type { AgentEvent } from "../../event/agent_event.ts";

/** What a look at an agent in a PTY has found. */
export interface PtyLook {
  /** What it did since the last look. */
  events: AgentEvent[];
  /** Whether it has begun: until then, what it shows is why it cannot. */
  started: boolean;
  /** Whether its turn is over, and it waits for a person. */
  idle: boolean;
}

/** How the turns of an agent are followed whose program stays when a turn is over. */
export interface PtyTurns {
  /** Keys that interrupt it. */
  interruptKeys: readonly string[];
  /** Keys that make it leave when it is idle, each pressed as a key of its own. */
  leaveKeys: readonly string[];
  /** What it may take until it has begun, in milliseconds. */
  startMs: number;
  /** Looks what it did. */
  look(): Promise<PtyLook>;
  /** Calls back when it may be time to look; it is looked now and then in any case. */
  watch(onNews: () => void): Disposable;
  /** Is told that a message is about to be typed, or that it was interrupted. */
  onCommand?(command: AgentCommand): void;
  /** Is told that a person takes the agent over, or gives it back. */
  setInteractive?(enabled: boolean): Promise<void>;
}
