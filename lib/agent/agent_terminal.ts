/** The screen and the keyboard of a program that runs in a PTY. */
export interface AgentTerminal {
  /** Its width in characters. */
  readonly columns: number;
  /** Its height in lines. */
  readonly rows: number;
  /**
   * Types, as a person at the keyboard would; the Enter key is `\r`. What is typed after the
   * program has ended is lost.
   *
   * @param data The keys.
   * @throws {RangeError} If the program has not read the last megabyte that was typed.
   */
  write(data: string): void;
  /**
   * Gives the terminal another size, of which the program is told; none if it has ended.
   *
   * @param columns The width, from 1 to 1000.
   * @param rows The height, from 1 to 1000.
   * @throws {RangeError} If a number is no size.
   */
  resize(columns: number, rows: number): void;
  /**
   * Draws the screen as it is now: text and escape sequences that make an empty terminal of the
   * same size look like it, cursor and modes included. What a subscriber gets from then on goes
   * on from there, if it subscribes before anything else is awaited.
   *
   * @returns What to write to the terminal.
   */
  serialize(): string;
  /**
   * Listens to what the program writes, in pieces, escape sequences included.
   *
   * @param listener Is called with each piece, and must return soon.
   * @returns Call it to stop listening.
   */
  subscribe(listener: (data: string) => void): () => void;
}
