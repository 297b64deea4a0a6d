import { assertEquals, assertRejects } from "@std/assert";
import { chmod, lstat, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import process from "node:process";
import { writeAtomic } from "../../lib/base/write_atomic.ts";
import { tempDir } from "../kit/testing.ts";

const windows = process.platform === "win32";

Deno.test("writeAtomic() replaces a file and leaves nothing beside it", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/a.txt`;
  await writeAtomic(file, "one");
  const { ino } = await stat(file);
  await writeAtomic(file, new Uint8Array([0x74, 0x77, 0x6f]), { fsync: false });
  assertEquals(await readFile(file, "utf8"), "two");
  assertEquals((await stat(file)).ino === ino, false);
  assertEquals(await readdir(dir.path), ["a.txt"]);
});

Deno.test({
  name: "writeAtomic() keeps the mode, whatever the umask (not on Windows)",
  ignore: windows,
  fn: async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/a.txt`;
    await writeFile(file, "one");
    await chmod(file, 0o666);
    await writeAtomic(file, "two");
    assertEquals((await stat(file)).mode & 0o7777, 0o666);
    await writeAtomic(`${dir.path}/secret`, "x", { mode: 0o600 });
    assertEquals((await stat(`${dir.path}/secret`)).mode & 0o7777, 0o600);
  },
});

Deno.test({
  name: "writeAtomic() follows a symbolic link, also to a file that is not there (not on Windows)",
  ignore: windows,
  fn: async () => {
    await using dir = await tempDir();
    await writeFile(`${dir.path}/real`, "one");
    await symlink("real", `${dir.path}/link`);
    await symlink("later", `${dir.path}/dangling`);
    await writeAtomic(`${dir.path}/link`, "two");
    await writeAtomic(`${dir.path}/dangling`, "three");
    assertEquals((await lstat(`${dir.path}/link`)).isSymbolicLink(), true);
    assertEquals((await lstat(`${dir.path}/dangling`)).isSymbolicLink(), true);
    assertEquals(await readFile(`${dir.path}/real`, "utf8"), "two");
    assertEquals(await readFile(`${dir.path}/later`, "utf8"), "three");
  },
});

Deno.test("writeAtomic() makes folders only if asked to", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/a/b/c.txt`;
  await assertRejects(() => writeAtomic(file, "x"), Error, `Cannot write "${file}": `);
  await writeAtomic(file, "x", { makeDirs: true });
  assertEquals(await readFile(file, "utf8"), "x");
});

Deno.test("writeAtomic() leaves nothing behind when it fails", async () => {
  await using dir = await tempDir();
  await writeAtomic(`${dir.path}/folder/a`, "x", { makeDirs: true });
  await assertRejects(() => writeAtomic(`${dir.path}/folder`, "x"), Error, "Cannot write");
  assertEquals(await readdir(dir.path), ["folder"]);
  const reason = new Error("enough");
  await assertRejects(
    () => writeAtomic(`${dir.path}/b`, "x", { signal: AbortSignal.abort(reason) }),
    Error,
    "enough",
  );
  assertEquals(await readdir(dir.path), ["folder"]);
});
