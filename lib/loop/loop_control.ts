import type { AgentCommand, AgentRun } from "../agent/agent.ts";
import type { AgentTerminal } from "../agent/agent_terminal.ts";

/** A request to end a loop. */
export interface LoopRequest {
  /** `stop`: end the agent and the loop; `checkpoint`: end after this iteration. */
  kind: "stop" | "checkpoint";
  /** Who asked, or why. */
  reason: string;
}

/** The part of a running agent that {@linkcode LoopControl} uses. */
export type ControlledRun = Pick<AgentRun, "terminal" | "setInteractive" | "send">;

/**
 * Sends commands to a running loop. Each loop has its own control.
 *
 * @example Usage
 * ```ts
 * import { LoopControl } from "@ralph/cli";
 * const control = new LoopControl();
 * control.requestCheckpoint("lunch");
 * control.request?.kind; // "checkpoint"
 * ```
 */
export class LoopControl {
  #request: LoopRequest | undefined;
  #stop = new AbortController();
  #wake = new AbortController();
  #prompts: string[] = [];
  #interactive = false;
  #run: ControlledRun | undefined;

  /** The request; a stop replaces a checkpoint, nothing replaces a stop. */
  get request(): LoopRequest | undefined {
    return this.#request;
  }

  /** Aborted as soon as a stop is asked for. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted as soon as a wait should end: by a stop, a checkpoint, or a retry. */
  get wakeSignal(): AbortSignal {
    return this.#wake.signal;
  }

  /**
   * Asks the loop to end its agent and then itself.
   *
   * @param reason Who asks, or why.
   */
  requestStop(reason: string): void {
    if (this.#request?.kind === "stop") return;
    this.#request = { kind: "stop", reason };
    this.#stop.abort(new DOMException(`Stopped: ${reason}`, "AbortError"));
    this.#wakeUp();
  }

  /**
   * Asks the loop to end after the current iteration.
   *
   * @param reason Who asks, or why.
   */
  requestCheckpoint(reason: string): void {
    if (this.#request !== undefined) return;
    this.#request = { kind: "checkpoint", reason };
    this.#wakeUp();
  }

  /**
   * Whether a person has taken over the agents: an agent then stays after its turn, and may be
   * silent.
   */
  get interactive(): boolean {
    return this.#interactive;
  }

  /** The terminal of the running agent; absent between agents and for one without a PTY. */
  get terminal(): AgentTerminal | undefined {
    return this.#run?.terminal;
  }

  /**
   * Takes over the agents, or gives them back. An idle agent that is given back ends, and with it
   * its iteration.
   *
   * @param enabled Whether a person has taken them over.
   */
  setInteractive(enabled: boolean): void {
    if (enabled === this.#interactive) return;
    this.#interactive = enabled;
    this.#run?.setInteractive?.(enabled);
  }

  /**
   * Sends a message to the running agent, or interrupts it.
   *
   * @returns Whether there is an agent that understands the command and can take it now.
   */
  async send(command: AgentCommand): Promise<boolean> {
    return await this.#run?.send(command) ?? false;
  }

  /**
   * Connects a started agent to this control; called by the code that runs it.
   *
   * @returns Dispose of it when the agent has ended.
   */
  reach(run: ControlledRun): Disposable {
    this.#run = run;
    if (this.#interactive) run.setInteractive?.(true);
    return {
      [Symbol.dispose]: () => {
        if (this.#run === run) this.#run = undefined;
      },
    };
  }

  /** Ends a wait now; does nothing if the loop is not waiting. */
  retryNow(): void {
    this.#wakeUp();
  }

  /**
   * Adds a text to the next prompt, once.
   *
   * @param text The text for the agent.
   */
  injectPrompt(text: string): void {
    this.#prompts.push(text);
  }

  /**
   * Removes and returns the injected texts; the loop calls it when it builds a prompt.
   *
   * @returns The texts, oldest first.
   */
  takePrompts(): string[] {
    return this.#prompts.splice(0);
  }

  #wakeUp(): void {
    const wake = this.#wake;
    this.#wake = new AbortController();
    wake.abort();
  }
}
