import type { AgentCommand } from "../agent.ts";
import type { AgentEvent } from "../../event/agent_event.ts";

/** The result of checking an agent in a PTY. */
export interface PtyLook {
  /** Its events since the last check. */
  events: AgentEvent[];
  /** Whether it has begun: until then, its screen shows what prevents it. */
  started: boolean;
  /** Whether its turn is over, and it waits for a person. */
  idle: boolean;
}

/** Follows the turns of an agent whose program keeps running after a turn. */
export interface PtyTurns {
  /** Keys that interrupt it. */
  interruptKeys: readonly string[];
  /** Keys that make an idle agent exit, each sent separately. */
  leaveKeys: readonly string[];
  /** How long it may take to begin, in milliseconds. */
  startMs: number;
  /** Checks what it did. */
  look(): Promise<PtyLook>;
  /** Calls back when there may be news; a check also happens now and then. */
  watch(onNews: () => void): Disposable;
  /** Called before a message is typed, and after an interrupt. */
  onCommand?(command: AgentCommand): void;
  /** Called when a person takes over the agent, or gives it back. */
  setInteractive?(enabled: boolean): Promise<void>;
}
