import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { sessionJsonSchemas, showSchema } from "../../lib/session/session_schema.ts";

Deno.test("sessionJsonSchemas() generates the committed files", async () => {
  for (const [name, schema] of Object.entries(sessionJsonSchemas())) {
    const text = await readFile(new URL(`../../schemas/${name}`, import.meta.url), "utf8");
    assertEquals(JSON.parse(text), JSON.parse(JSON.stringify(schema)), name);
  }
});

Deno.test("showSchema accepts the registry's sessions, and covers every field", () => {
  using registry = openRegistry({ path: ":memory:" });
  const { id } = registry.createSession({ task: "t", taskDir: "/t", root: "/", agent: "x" });
  registry.beginIteration(id, {
    iteration: 1,
    story: { id: "US-001", title: "Log in" },
    agent: "claude",
  });
  const shown = { session: registry.getSession(id), iterations: registry.listIterations(id) };
  assertEquals(showSchema.parse(JSON.parse(JSON.stringify(shown))), shown as never);
});
