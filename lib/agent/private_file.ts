import { mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentStartOptions } from "./agent.ts";

/** A file for one run of an agent. */
export interface PrivateFile {
  /** Its path. */
  readonly path: string;
  /** Writes it, readable by its owner only. */
  write(text: string): Promise<void>;
  /** Removes it, if it exists. */
  remove(): Promise<void>;
}

/**
 * The folder for private files of a run, which is created: the scratch folder of its session, which
 * goes with the session even if everything is killed, or else the system's temporary folder.
 */
export async function privateFolder(
  { scratchDir }: Pick<AgentStartOptions, "scratchDir">,
): Promise<string> {
  if (scratchDir === undefined) return tmpdir();
  await mkdir(scratchDir, { recursive: true, mode: 0o700 });
  return scratchDir;
}

/**
 * Chooses a file for one run of an agent.
 *
 * @param kind The begin of its name, and its end, such as `["prompt", ".md"]`.
 * @returns The file, which is not written yet.
 */
export function privateFile(
  [begin, end]: readonly [begin: string, end: string],
  start: Pick<AgentStartOptions, "scratchDir">,
): PrivateFile {
  const name = `ralph-${begin}-${crypto.randomUUID()}${end}`;
  const path = join(start.scratchDir ?? tmpdir(), name);
  return {
    path,
    async write(text) {
      await privateFolder(start);
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
    },
    remove: () => rm(path, { force: true }),
  };
}
