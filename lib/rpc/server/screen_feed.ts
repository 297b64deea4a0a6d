import type { AgentTerminal } from "../../agent/agent_terminal.ts";
import type { RpcNotifications, RpcScreen } from "../protocol/protocol.ts";

/** Options for {@linkcode ScreenFeed}. */
export interface ScreenFeedOptions {
  /** Where the terminal is found. */
  control: { readonly terminal: AgentTerminal | undefined };
  /** Takes what the agent prints. */
  onData: (data: string) => void;
  /** Is called when there is another terminal: the screen has to be painted anew. */
  onTerminal: () => void;
}

/** Clears a terminal, whatever state it is in: RIS, "reset to initial state". */
const RESET = "\x1bc";

/** Follows the terminal of a loop's agents, of which each has its own. */
export class ScreenFeed implements Disposable {
  readonly #options: ScreenFeedOptions;
  #terminal: AgentTerminal | undefined;
  #unsubscribe: (() => void) | undefined;

  /**
   * Begins with the terminal that there is now.
   *
   * @param options Where the terminal is, and who follows it.
   */
  constructor(options: ScreenFeedOptions) {
    this.#options = options;
    this.look();
  }

  /** Looks whether there is another terminal. */
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

  /** What paints the screen on a terminal in any state; `undefined` if there is none. */
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
