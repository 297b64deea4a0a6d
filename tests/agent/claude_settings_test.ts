import { assertEquals } from "@std/assert";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { claudeSettings } from "../../lib/agent/claude/settings.ts";
import { tempDir } from "../kit/testing.ts";

async function written(text?: string, more?: string): Promise<unknown> {
  await using home = await tempDir();
  await mkdir(join(home.path, ".claude"));
  if (text !== undefined) await writeFile(join(home.path, ".claude", "settings.json"), text);
  const settings = claudeSettings({ env: { HOME: home.path } }, more === undefined ? {} : { more });
  const [, , , file = ""] = settings.args;
  await settings.write();
  try {
    assertEquals((await stat(file)).mode & 0o777, 0o600);
    return JSON.parse(await readFile(file, "utf8"));
  } finally {
    await settings.remove();
    assertEquals(await stat(file).catch(() => "gone"), "gone");
  }
}

Deno.test("claudeSettings() removes only hooks and plugins from the user's settings", async () => {
  const own = {
    hooks: { Stop: [] },
    enabledPlugins: { "loop@market": true },
    apiKeyHelper: "/usr/local/bin/key",
    env: { AWS_REGION: "eu-central-1" },
    permissions: { deny: ["Read(.env)"] },
  };
  const { hooks: _hooks, enabledPlugins: _plugins, ...rest } = own;
  assertEquals(await written(JSON.stringify(own)), rest);
});

Deno.test("claudeSettings() ignores a file that does not contain settings", async () => {
  for (const text of [undefined, "", "{", "null", "[1]", '"text"']) {
    assertEquals(await written(text), {}, text ?? "no file");
  }
});

Deno.test("claudeSettings() adds settings to the user's, even if these are broken", async () => {
  const more = '{"hooks":{"Stop":[{"hooks":[]}]}}';
  assertEquals(await written('{"model":"m","hooks":{"Stop":[1]}}', more), {
    model: "m",
    ...JSON.parse(more),
  });
  assertEquals(await written("broken", more), JSON.parse(more));
});

Deno.test("claudeSettings() reads from CLAUDE_CONFIG_DIR", async () => {
  await using dir = await tempDir();
  await writeFile(join(dir.path, "settings.json"), '{"model":"m"}');
  const settings = claudeSettings({ env: { HOME: "/nowhere", CLAUDE_CONFIG_DIR: dir.path } });
  await settings.write();
  assertEquals(JSON.parse(await readFile(settings.args[3] ?? "", "utf8")), { model: "m" });
  await settings.remove();
});

Deno.test("claudeSettings() keeps the sources that the user picked", async () => {
  for (const args of [["--setting-sources", "user"], ["--setting-sources=user"]]) {
    const settings = claudeSettings({ env: { HOME: "/nowhere" } }, { args });
    assertEquals(settings.args, []);
    await settings.write();
    assertEquals(claudeSettings({ env: {} }, { args, more: '{"a":1}' }).args, [
      "--settings",
      '{"a":1}',
    ]);
  }
});
