import process from "node:process";

/**
 * Reads typed input from the terminal. The terminal's own settings are restored when it is disposed
 * of, or at the latest when this process exits.
 *
 * @param onData Receives the input as it comes; Ctrl-C is `\x03`.
 * @returns Dispose of it to stop reading.
 */
export function readTerminal(onData: (text: string) => void): Disposable {
  const { stdin } = process;
  const decoder = new TextDecoder();
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  const onInput = (data: string | Uint8Array): void =>
    onData(typeof data === "string" ? data : decoder.decode(data, { stream: true }));
  stdin.setRawMode(true);
  stdin.on("data", onInput);
  stdin.resume();
  process.on("exit", restore);
  return {
    [Symbol.dispose](): void {
      stdin.off("data", onInput);
      stdin.pause();
      process.off("exit", restore);
      restore();
    },
  };
}

/**
 * Reads single keys from the terminal, see {@linkcode readTerminal}.
 *
 * @param onKey Receives each key as it is pressed; Ctrl-C is `\x03`.
 * @returns Dispose of it to stop reading.
 */
export function readKeys(onKey: (key: string) => void): Disposable {
  return readTerminal((text) => {
    // An escape sequence, such as that of an arrow key, is one key without a meaning here.
    if (text.startsWith("\x1b")) return;
    for (const key of text) onKey(key);
  });
}
