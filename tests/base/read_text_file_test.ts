import { assertEquals, assertRejects } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, open, symlink, truncate, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { promisify } from "node:util";
import {
  openRegularFile,
  readTextFile,
  UnreadableFileError,
} from "../../lib/base/read_text_file.ts";
import { tempDir } from "../kit/testing.ts";

Deno.test("readTextFile() reads regular files only, and names what it found", async () => {
  await using dir = await tempDir();
  const at = (name: string) => `${dir.path}/${name}`;
  await writeFile(at("file"), "text\n");
  await symlink("file", at("link"));
  assertEquals(await readTextFile(at("file")), "text\n");
  assertEquals(await readTextFile(at("link")), "text\n");

  await promisify(execFile)("mkfifo", [at("pipe")]);
  await mkdir(at("folder"));
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(at("socket"), resolve));
  const cases = [
    [at("pipe"), "named pipe"],
    [at("folder"), "folder"],
    [at("socket"), "socket"],
    ["/dev/zero", "device"],
  ] as const;
  for (const [file, kind] of cases) {
    const message = `Cannot read "${file}": it is a ${kind}, not a file`;
    await assertRejects(() => readTextFile(file), UnreadableFileError, message);
  }
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("readTextFile() refuses a file that is too large before it reads it", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/large`;
  await writeFile(file, "x");
  await truncate(file, 2 ** 40);
  await assertRejects(
    () => readTextFile(file),
    UnreadableFileError,
    "it has 1048576 MiB, and at most 64 MiB are read",
  );
});

Deno.test("readTextFile() refuses a link out of the folder, unless its target was allowed", async () => {
  await using dir = await tempDir();
  const within = `${dir.path}/repository`;
  await mkdir(`${within}/inner`, { recursive: true });
  await writeFile(`${dir.path}/repository-secret`, "secret");
  await writeFile(`${within}/text`, "text");
  await symlink("../text", `${within}/inner/link`);
  await symlink("../repository-secret", `${within}/out`);
  await symlink("..", `${within}/folder`);
  assertEquals(await readTextFile(`${within}/inner/link`, { within }), "text");
  for (const file of [`${within}/out`, `${within}/folder/repository-secret`]) {
    const message = `it links out of the repository, to ${dir.path}/repository-secret`;
    await assertRejects(() => readTextFile(file, { within }), UnreadableFileError, message);
    assertEquals(await readTextFile(file, { within, allowOutside: true }), "secret");
  }
});

Deno.test("openRegularFile() appends, and not through a link to a file that does not exist", async () => {
  await using dir = await tempDir();
  const file = `${dir.path}/log`;
  await writeFile(file, "one\n");
  {
    await using handle = await openRegularFile(file, { within: dir.path, append: true });
    await handle.appendFile("two\n");
  }
  assertEquals(await readTextFile(file), "one\ntwo\n");
  await symlink(`${dir.path}/later`, `${dir.path}/dangling`);
  await assertRejects(
    () => openRegularFile(`${dir.path}/dangling`, { within: dir.path, append: true }),
    UnreadableFileError,
    "which does not exist",
  );
  await assertRejects(() => open(`${dir.path}/later`), Error, "ENOENT");
});
