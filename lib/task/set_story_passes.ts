import { editPrd, type EditPrdOptions } from "./edit_prd.ts";
import { parsePrd } from "./parse_prd.ts";
import { PrdError } from "./prd_error.ts";
import { readPrdText } from "./read_prd.ts";

/**
 * Says in a prd.json whether a story passes, and leaves every other byte as it was.
 *
 * A story that has only a `status` gets a `passes` beside it, which counts before the status.
 *
 * @example Usage
 * ```ts
 * import { setStoryPasses } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 * import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
 *
 * const folder = await mkdtemp("prd-");
 * const file = `${folder}/prd.json`;
 * await writeFile(file, '[{ "id": "US-001", "passes": false }]\n');
 * await setStoryPasses(file, "US-001", true);
 * assertEquals(await readFile(file, "utf8"), '[{ "id": "US-001", "passes": true }]\n');
 * await rm(folder, { recursive: true });
 * ```
 *
 * @param file The path of the file.
 * @param storyId The id of the story, as in its normal form.
 * @param passes Whether it passes.
 * @param options Additional options.
 * @returns Whether the file changed.
 * @throws {PrdError} If the file is not a PRD, or no story or more than one has this id.
 * @throws {Error} If it cannot be written.
 */
export async function setStoryPasses(
  file: string,
  storyId: string,
  passes: boolean,
  options: EditPrdOptions = {},
): Promise<boolean> {
  const name = options.name ?? file;
  const prd = parsePrd(await readPrdText(file, options), { file: name });
  const found = prd.stories.filter(({ id }) => id === storyId);
  const [first] = found;
  if (!first || found.length > 1) {
    const reason = first ? `${found.length} stories have this id` : "there is no such story";
    throw new PrdError(`Cannot change story "${storyId}" in ${name}: ${reason}`, { file: name });
  }
  return await editPrd(file, [...first.path, "passes"], passes, options);
}
