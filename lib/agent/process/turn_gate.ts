import type { AgentCommand } from "../agent.ts";

/** Decides whether an agent may exit after its turn, or stays because a person has taken over. */
export class TurnGate {
  #interactive = false;
  #held = false;

  /** Whether a person has taken the agent over. */
  get interactive(): boolean {
    return this.#interactive;
  }

  /** Whether an idle agent may exit. */
  get open(): boolean {
    return !this.#interactive && !this.#held;
  }

  /**
   * Notes that a person takes over the agent, or gives it back.
   *
   * @param enabled Whether it is taken over.
   */
  setInteractive(enabled: boolean): void {
    this.#interactive = enabled;
    if (!enabled) this.#held = false;
  }

  /** Notes a command to the agent: after an interrupt it waits for a message. */
  note(command: AgentCommand): void {
    this.#held = command.kind === "interrupt";
  }
}
