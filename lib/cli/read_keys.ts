import process from "node:process";

/**
 * Reads single keys from the terminal, which gets its own settings back when it is
 * disposed of, and at the latest when this process exits.
 *
 * @param onKey Takes each key as it is pressed; Ctrl-C is `\x03`.
 * @returns Dispose of it to stop reading.
 */
export function readKeys(onKey: (key: string) => void): Disposable {
  const { stdin } = process;
  const restore = (): void => {
    stdin.setRawMode(false);
  };
  const onData = (data: string | Uint8Array): void => {
    const text = typeof data === "string" ? data : new TextDecoder().decode(data);
    // An escape sequence, such as that of an arrow, is one key that nobody asked for.
    if (text.startsWith("\x1b")) return;
    for (const key of text) onKey(key);
  };
  stdin.setRawMode(true);
  stdin.on("data", onData);
  stdin.resume();
  process.on("exit", restore);
  return {
    [Symbol.dispose](): void {
      stdin.off("data", onData);
      stdin.pause();
      process.off("exit", restore);
      restore();
    },
  };
}
