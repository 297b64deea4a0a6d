import { existsSync } from "node:fs";

/** Real files of others, which are not part of this project: tests skip without them. */

const folder = new URL("../../../shared/data/prd/", import.meta.url);

/** The folder of the files; `undefined` if they are not available. */
export const sharedPrds: URL | undefined = existsSync(folder) ? folder : undefined;
