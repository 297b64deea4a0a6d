import type { AgentCommand, AgentRun } from "../agent/agent.ts";
import type { AgentTerminal } from "../agent/agent_terminal.ts";

/** What a loop was asked to do. */
export interface LoopRequest {
  /** `stop`: end the agent and the loop; `checkpoint`: end after this iteration. */
  kind: "stop" | "checkpoint";
  /** Who asked, or why, in words. */
  reason: string;
}

/** What {@linkcode LoopControl} reaches of a running agent. */
export type ControlledRun = Pick<AgentRun, "terminal" | "setInteractive" | "send">;

/**
 * How a command reaches a running loop. One loop reads one control.
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

  /** What was asked for; a stop replaces a checkpoint, nothing replaces a stop. */
  get request(): LoopRequest | undefined {
    return this.#request;
  }

  /** Aborted as soon as a stop is asked for. */
  get stopSignal(): AbortSignal {
    return this.#stop.signal;
  }

  /** Aborted as soon as a wait should end: a stop, a checkpoint, or a retry. */
  get wakeSignal(): AbortSignal {
    return this.#wake.signal;
  }

  /**
   * Asks the loop to end its agent and itself.
   *
   * @param reason Who asks, or why, in words.
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
   * @param reason Who asks, or why, in words.
   */
  requestCheckpoint(reason: string): void {
    if (this.#request !== undefined) return;
    this.#request = { kind: "checkpoint", reason };
    this.#wakeUp();
  }

  /**
   * Whether a person has taken the agents over: an agent whose turn is over stays, and one that is
   * silent is left alone.
   */
  get interactive(): boolean {
    return this.#interactive;
  }

  /** The terminal of the agent that runs; absent between agents and for one without a PTY. */
  get terminal(): AgentTerminal | undefined {
    return this.#run?.terminal;
  }

  /**
   * Takes the agents over, or gives them back. Neither starts nor ends an agent, but for one that
   * has nothing left to do when it is given back: then its iteration is over.
   *
   * @param enabled Whether a person has them.
   */
  setInteractive(enabled: boolean): void {
    if (enabled === this.#interactive) return;
    this.#interactive = enabled;
    this.#run?.setInteractive?.(enabled);
  }

  /**
   * Says something to the agent that runs, or interrupts it.
   *
   * @param command What to tell it.
   * @returns Whether there is an agent that understands it and is able to take it now.
   */
  async send(command: AgentCommand): Promise<boolean> {
    return await this.#run?.send(command) ?? false;
  }

  /**
   * Puts an agent that has been started within reach; for whoever runs it.
   *
   * @param run The agent.
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

  /** Ends a wait now; does nothing when the loop does not wait. */
  retryNow(): void {
    this.#wakeUp();
  }

  /**
   * Puts a text in front of the next prompt, once.
   *
   * @param text What to tell the agent.
   */
  injectPrompt(text: string): void {
    this.#prompts.push(text);
  }

  /**
   * Takes the texts that were injected; the loop calls it when it builds a prompt.
   *
   * @returns The texts, the oldest first.
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
