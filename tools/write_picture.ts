/** Writes docs/live_view.svg, or the file that is named. */

import { writeFile } from "node:fs/promises";
import process from "node:process";
import { FIXED_ENVIRONMENT, liveViewPicture } from "./live_view_picture.ts";

Object.assign(process.env, FIXED_ENVIRONMENT);
const file = process.argv[2] ?? new URL("../docs/live_view.svg", import.meta.url);
await writeFile(file, await liveViewPicture());
