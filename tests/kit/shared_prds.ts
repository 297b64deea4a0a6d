import { existsSync } from "node:fs";

/** Real files of others, which are not part of this project: tests that need them skip without. */

const folder = new URL("../../../shared/data/prd/", import.meta.url);

/** The folder of the files; `undefined` where they are not at hand. */
export const sharedPrds: URL | undefined = existsSync(folder) ? folder : undefined;
