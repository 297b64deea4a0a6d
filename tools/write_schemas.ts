/**
 * Writes the published JSON Schemas from the schemas in the source.
 *
 * @module
 */
import { prdJsonSchema } from "../lib/task/prd/prd_schema.ts";
import { writeAtomic } from "../lib/base/write_atomic.ts";
import { fileURLToPath } from "node:url";

const file = fileURLToPath(new URL("../schemas/prd.schema.json", import.meta.url));
await writeAtomic(file, JSON.stringify(prdJsonSchema(), null, 2) + "\n");
