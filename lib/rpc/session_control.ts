import type { AgentTerminal } from "../agent/agent_terminal.ts";
import type { LoopControl } from "../loop/loop_control.ts";

/** What clients may do to a loop: a {@linkcode LoopControl}, or what stands for one. */
export interface SessionControl
  extends Pick<LoopControl, "requestStop" | "requestCheckpoint" | "retryNow" | "injectPrompt"> {
  /** Whether a person works with the agent. */
  readonly interactive: boolean;
  /** The terminal of the agent that runs; `undefined` while there is none. */
  readonly terminal: AgentTerminal | undefined;
  /**
   * Says whether a person works with the agent.
   *
   * @param enabled Whether one does.
   */
  setInteractive(enabled: boolean): void;
}
