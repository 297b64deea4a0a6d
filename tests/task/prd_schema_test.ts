import { assert, assertEquals } from "@std/assert";
import { readFileSync } from "node:fs";
import * as z from "zod";
import { convertPrd } from "../../lib/task/markdown/convert_prd.ts";
import { prdJsonSchema } from "../../lib/task/prd/prd_schema.ts";
import { VERSION } from "../../lib/version.ts";

Deno.test("prdJsonSchema() equals schemas/prd.schema.json", () => {
  const file = new URL("../../schemas/prd.schema.json", import.meta.url);
  assertEquals(JSON.parse(readFileSync(file, "utf8")), prdJsonSchema());
});

Deno.test("prdJsonSchema() has a title, and allows unknown keys", () => {
  const schema = prdJsonSchema();
  assertEquals(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  assertEquals(schema.$id, `https://jsr.io/@ralph/cli/${VERSION}/schemas/prd.schema.json`);
  assertEquals(schema.additionalProperties, {});
});

Deno.test("prdJsonSchema() accepts a converted file, but not a string as passes", () => {
  const { text } = convertPrd("### US-001: A\n\n- [ ] B\n", { task: "t", taskDir: "tasks/t" });
  const data = JSON.parse(text);
  assertEquals(data.$schema, prdJsonSchema().$id);
  const schema = z.fromJSONSchema(prdJsonSchema() as Parameters<typeof z.fromJSONSchema>[0]);
  assert(schema.safeParse({ ...data, techStack: ["x"] }).success);
  data.userStories[0].passes = "yes";
  assert(!schema.safeParse(data).success);
});
