import type { AgentTerminal } from "../../agent/agent_terminal.ts";
import type { RpcNotifications, RpcScreen } from "../protocol/protocol.ts";

/** Options for {@linkcode ScreenFeed}. */
export interface ScreenFeedOptions {
  /** Where the terminal is found. */
  control: { readonly terminal: AgentTerminal | undefined };
  /** Receives what the agent prints. */
  onData: (data: string) => void;
  /** Called when there is another terminal, so that the screen has to be repainted. */
  onTerminal: () => void;
}

/** Resets a terminal from any state: RIS, "reset to initial state". */
const RESET = "\x1bc";

/** Follows the terminals of a loop's agents; each agent has another one. */
export class ScreenFeed implements Disposable {
  readonly #options: ScreenFeedOptions;
  #terminal: AgentTerminal | undefined;
  #unsubscribe: (() => void) | undefined;

  constructor(options: ScreenFeedOptions) {
    this.#options = options;
    this.look();
  }

  /** Checks whether there is another terminal. */
  look(): void {
    const { control, onData, onTerminal } = this.#options;
    const { terminal } = control;
    if (terminal === this.#terminal) return;
    this.#unsubscribe?.();
    this.#terminal = terminal;
    this.#unsubscribe = terminal?.subscribe(onData);
    if (terminal !== undefined) onTerminal();
  }

  /** The screen as it is now. */
  get screen(): RpcScreen {
    const terminal = this.#terminal;
    if (terminal === undefined) return { screen: null, columns: null, rows: null };
    const { columns, rows } = terminal;
    return { screen: terminal.serialize(), columns, rows };
  }

  /** Repaints the screen on a terminal in any state; `undefined` without a terminal. */
  get paint(): RpcNotifications["screen"] | undefined {
    const { screen, columns, rows } = this.screen;
    if (screen === null || columns === null || rows === null) return undefined;
    return { data: RESET + screen, columns, rows };
  }

  /** Stops listening. */
  [Symbol.dispose](): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }
}
