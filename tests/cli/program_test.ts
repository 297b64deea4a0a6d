import { assertEquals } from "@std/assert";
import { execFile } from "node:child_process";
import { copyFile, link } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { programCommand, V8_FLAG } from "../../lib/cli/program.ts";
import { tempDir } from "../kit/testing.ts";

const ENTRY = "file:///opt/ralph/cli.ts";

Deno.test("programCommand() takes a Deno of any name for Deno", async () => {
  await using dir = await tempDir();
  const renamed = join(dir.path, "ralph-runtime");
  await link(process.execPath, renamed).catch(() => copyFile(process.execPath, renamed));
  const program = new URL("../../lib/cli/program.ts", import.meta.url).href;
  const script = `import { programCommand } from ${JSON.stringify(program)};
    console.log(JSON.stringify(programCommand(${JSON.stringify(ENTRY)})));`;
  const { stdout } = await promisify(execFile)(renamed, ["eval", script], { cwd: dir.path });
  assertEquals(JSON.parse(stdout), [
    renamed,
    ...["run", "--allow-all", "--quiet", `--v8-flags=${V8_FLAG}`],
    ENTRY,
  ]);
});

Deno.test("programCommand() starts the executable as it is", () => {
  assertEquals(programCommand(ENTRY, { compiled: true }), [process.execPath]);
});
