import { constants, copyFile } from "node:fs/promises";
import { parsePrd } from "./parse_prd.ts";
import { readPrdText } from "./read_prd.ts";
import { writeAtomic } from "../base/write_atomic.ts";

/** What {@linkcode restorePrd} did. */
export interface RestoredPrd {
  /** Where the file that was there is kept now; `null` if there was none. */
  broken: string | null;
}

/**
 * Puts the last good copy of a prd.json back in its place.
 *
 * What was there is kept beside it as `prd.json.broken`, or `prd.json.broken-2` and so on: an
 * older one is never overwritten.
 *
 * @param file The path of the prd.json.
 * @param goodCopy The path of the good copy.
 * @returns Where the broken file is kept.
 * @throws {PrdError} If the good copy is missing or not a PRD; nothing is changed then.
 */
export async function restorePrd(file: string, goodCopy: string): Promise<RestoredPrd> {
  const text = await readPrdText(goodCopy);
  parsePrd(text, { file: goodCopy });
  const broken = await keepBroken(file);
  await writeAtomic(file, text);
  return { broken };
}

async function keepBroken(file: string): Promise<string | null> {
  for (let count = 1;; count++) {
    const kept = count === 1 ? `${file}.broken` : `${file}.broken-${count}`;
    try {
      await copyFile(file, kept, constants.COPYFILE_EXCL);
      return kept;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === "ENOENT") return null;
      if (code !== "EEXIST") throw error;
    }
  }
}
