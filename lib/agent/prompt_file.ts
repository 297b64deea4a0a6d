import { rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A temporary file for one prompt. */
export interface PromptFile {
  /** Where it will be. */
  readonly path: string;
  /**
   * Writes it, readable by its owner only.
   *
   * @param prompt The prompt.
   */
  write(prompt: string): Promise<void>;
  /** Removes it, if it is there. */
  remove(): Promise<void>;
}

/**
 * Names a temporary file for a prompt, for a program that reads its prompt from a file.
 *
 * @returns The file, which is not there yet.
 */
export function promptFile(): PromptFile {
  const path = join(tmpdir(), `ralph-prompt-${crypto.randomUUID()}.md`);
  return {
    path,
    write: (prompt) => writeFile(path, prompt, { mode: 0o600, flag: "wx" }),
    remove: () => rm(path, { force: true }),
  };
}
