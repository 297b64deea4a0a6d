import { assertEquals, assertRejects } from "@std/assert";
import {
  chmod,
  type FileHandle,
  lstat,
  open,
  readdir,
  readFile,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
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
  name: "writeAtomic() keeps the mode, with any umask (not on Windows)",
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
  name: "writeAtomic() follows a symbolic link, even to a missing file (not on Windows)",
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

Deno.test("writeAtomic() creates folders only on request", async () => {
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

/** What the disk was asked to keep, in order, and what the target held at that moment. */
interface Sync {
  /** Which file or folder. */
  ino: number;
  isFolder: boolean;
  size: number;
  target: string;
}

/** Looks at every `FileHandle.sync()` of this file's tests, and fails those that it is told to. */
async function watchSyncs(
  target: string,
  failure?: Error,
): Promise<{ syncs: Sync[] } & Disposable> {
  const syncs: Sync[] = [];
  const handle = await open(target);
  const prototype: FileHandle = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  prototype.sync = async function (this: FileHandle): Promise<void> {
    const of = await this.stat();
    const isFolder = of.isDirectory();
    syncs.push({ ino: of.ino, isFolder, size: of.size, target: await readFile(target, "utf8") });
    if (failure) throw failure;
    await sync.call(this);
  };
  return { syncs, [Symbol.dispose]: () => void (prototype.sync = sync) };
}

Deno.test({
  name: "writeAtomic() brings the bytes to the disk before the rename, and the folder after it",
  ignore: windows,
  fn: async () => {
    await using dir = await tempDir();
    const file = `${dir.path}/a.txt`;
    await writeFile(file, "old");
    using watched = await watchSyncs(file);
    await writeAtomic(file, "brand new");
    const [bytes, folder, ...others] = watched.syncs;
    assertEquals(others, []);
    const ino = (await stat(file)).ino;
    assertEquals(bytes, { ino, isFolder: false, size: 9, target: "old" });
    assertEquals([folder?.isFolder, folder?.target], [true, "brand new"]);
    assertEquals(folder?.ino, (await stat(dir.path)).ino);
    await writeAtomic(file, "fast", { fsync: false });
    assertEquals(watched.syncs.length, 2);
  },
});

Deno.test("writeAtomic() leaves the old file as it was when the disk does not take the bytes", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/a.txt`;
  await writeFile(file, "old");
  using _watched = await watchSyncs(file, new Error("EIO: i/o error, fsync"));
  await assertRejects(() => writeAtomic(file, "new"), Error, `Cannot write "${file}": EIO`);
  assertEquals(await readFile(file, "utf8"), "old");
  assertEquals(await readdir(dir.path), ["a.txt"]);
});
