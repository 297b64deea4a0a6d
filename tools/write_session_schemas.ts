/**
 * Writes the JSON Schemas of what `ralph status --json` and `ralph show --json` print.
 *
 * Run with `deno run -A tools/write_session_schemas.ts`.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { sessionJsonSchemas } from "../lib/session/session_schema.ts";

for (const [name, schema] of Object.entries(sessionJsonSchemas())) {
  const file = new URL(`../schemas/${name}`, import.meta.url);
  await writeFile(file, JSON.stringify(schema, null, 2) + "\n");
}
