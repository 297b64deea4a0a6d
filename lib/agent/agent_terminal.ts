/** The screen and the keyboard of a program that runs in a PTY. */
export interface AgentTerminal {
  /** Its width in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
  /**
   * Types like a person at the keyboard; the Enter key is `\r`. Input after the program has ended
   * is lost.
   *
   * @throws {RangeError} If more than a megabyte of input is unread.
   */
  write(data: string): void;
  /**
   * Resizes the terminal and notifies the program; does nothing if it has ended.
   *
   * @param columns The width, from 1 to 1000.
   * @param rows The height, from 1 to 1000.
   * @throws {RangeError} If the size is invalid.
   */
  resize(columns: number, rows: number): void;
  /**
   * Returns the current screen: text and escape sequences that reproduce it in an empty terminal of
   * the same size, including cursor and modes. Output to a subscriber continues exactly from here
   * if it subscribes before anything else is awaited.
   *
   * @returns What to write to the terminal.
   */
  serialize(): string;
  /**
   * Listens to the program's output, in pieces, including escape sequences.
   *
   * @param listener Called with each piece; must return quickly.
   * @returns Call it to stop listening.
   */
  subscribe(listener: (data: string) => void): () => void;
}
