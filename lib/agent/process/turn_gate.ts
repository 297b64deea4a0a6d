import type { AgentCommand } from "../agent.ts";

/** Says when an agent whose turn is over may be asked to leave, and when a person still wants it. */
export class TurnGate {
  #interactive = false;
  #held = false;

  /** Whether a person has taken the agent over. */
  get interactive(): boolean {
    return this.#interactive;
  }

  /** Whether an agent that is idle is no longer wanted. */
  get open(): boolean {
    return !this.#interactive && !this.#held;
  }

  /**
   * Notes that a person takes the agent over, or gives it back.
   *
   * @param enabled Whether it is taken over.
   */
  setInteractive(enabled: boolean): void {
    this.#interactive = enabled;
    if (!enabled) this.#held = false;
  }

  /**
   * Notes what the agent was told: one that was interrupted waits for a message.
   *
   * @param command What it was told.
   */
  note(command: AgentCommand): void {
    this.#held = command.kind === "interrupt";
  }
}
