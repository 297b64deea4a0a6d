import { assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";
import { MIGRATIONS } from "../../lib/session/legacy/migrations.ts";
import {
  migrate,
  openRegistry,
  openRegistryWith,
} from "../../lib/session/registry/open_registry.ts";
import {
  RegistryFormatError,
  RegistryVersionError,
} from "../../lib/session/registry/registry_error.ts";
import { embedMigrations, MIGRATIONS_MODULE } from "../../tools/embed_migrations.ts";
import { tempDir } from "../kit/testing.ts";

const NEXT = {
  version: 3,
  name: "colour",
  sql: "ALTER TABLE sessions ADD COLUMN colour TEXT",
};

Deno.test("embedMigrations() generates the committed module", async () => {
  const normal = (text: string) => text.replaceAll("\r\n", "\n");
  assertEquals(normal(await embedMigrations()), normal(await readFile(MIGRATIONS_MODULE, "utf8")));
});

Deno.test("openRegistry() applies each migration once, in order, and keeps a copy", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  const session = { task: "a", taskDir: "/a", root: "/", agent: "claude" };
  {
    using registry = openRegistry({ path });
    registry.createSession(session);
  }
  for (let i = 0; i < 2; i++) {
    using registry = openRegistryWith({ path, migrations: [...MIGRATIONS, NEXT] });
    assertEquals(registry.findSessions().length, 1);
  }
  using db = new DatabaseSync(path);
  assertEquals({ ...db.prepare("SELECT colour FROM sessions").get() }, { colour: null });
  assertEquals({ ...db.prepare("PRAGMA user_version").get() }, { user_version: 3 });
  const names = await readdir(dir.path);
  assertEquals(names.filter((name) => name.includes("before")), ["sessions.db.before-3"]);
});

Deno.test("openRegistry() brings a registry of version 1 up to date, and keeps one copy", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  {
    using old = new DatabaseSync(path);
    old.exec(MIGRATIONS[0]?.sql ?? "");
    old.exec(
      `INSERT INTO sessions (id, task, task_dir, root, agent, started_at, updated_at)
       VALUES ('01JD0000000000000000000000', 'a', '/a', '/', 'claude', '2026-01-01', '2026-01-01')`,
    );
    old.exec(`PRAGMA application_id = ${0x52414c50}; PRAGMA user_version = 1`);
  }
  using registry = openRegistry({ path });
  assertEquals(registry.latestSession("/a")?.socket, null);
  const names = await readdir(dir.path);
  assertEquals(names.filter((name) => name.includes("before")), ["sessions.db.before-2"]);
});

Deno.test("openRegistry() keeps no copy of a registry that it has just created", async () => {
  await using dir = await tempDir();
  openRegistry({ path: `${dir.path}/sessions.db` })[Symbol.dispose]();
  assertEquals(await readdir(dir.path), ["sessions.db"]);
});

Deno.test("openRegistry() undoes a migration that fails", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  openRegistry({ path })[Symbol.dispose]();
  const broken = { ...NEXT, sql: `${NEXT.sql}; CREATE TABLE nonsense (` };
  assertThrows(() => openRegistryWith({ path, migrations: [...MIGRATIONS, broken] }), Error);
  using db = new DatabaseSync(path);
  assertEquals({ ...db.prepare("PRAGMA user_version").get() }, { user_version: 2 });
  assertThrows(() => db.prepare("SELECT colour FROM sessions"), Error, "no such column");
});

Deno.test("openRegistry() refuses the registry of a newer ralph, and does not change it", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  openRegistryWith({ path, migrations: [...MIGRATIONS, NEXT] })[Symbol.dispose]();
  const before = await readFile(path);
  const error = assertThrows(() => openRegistry({ path }), RegistryVersionError, "update ralph");
  assertEquals([error.version, error.supported], [3, 2]);
  assertEquals(await readFile(path), before);
});

Deno.test("openRegistry() does not touch the log of a newer ralph's registry either", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/sessions.db`;
  openRegistryWith({ path, migrations: [...MIGRATIONS, NEXT] })[Symbol.dispose]();
  // As after a kill -9: committed, and not yet folded into the file.
  const copy = `${dir.path}/killed.db`;
  {
    using db = new DatabaseSync(path);
    db.exec("PRAGMA user_version = 7");
    await writeFile(copy, await readFile(path));
    await writeFile(`${copy}-wal`, await readFile(`${path}-wal`));
  }
  const files = async () => [await readFile(copy), await readFile(`${copy}-wal`)];
  const before = await files();
  const error = assertThrows(() => openRegistry({ path: copy }), RegistryVersionError);
  assertEquals(error.version, 7);
  assertEquals(await files(), before);
});

Deno.test("openRegistry() refuses a file that is not a registry, and does not change it", async () => {
  await using dir = await tempDir();
  const database = async (sql: string) => {
    using db = new DatabaseSync(`${dir.path}/made.db`);
    db.exec(sql);
    db.close();
    const bytes = await readFile(`${dir.path}/made.db`);
    await rm(`${dir.path}/made.db`);
    return bytes;
  };
  const registry = `${dir.path}/good.db`;
  openRegistry({ path: registry })[Symbol.dispose]();
  const good = await readFile(registry);
  const cases: [string, Uint8Array, string][] = [
    ["text", new TextEncoder().encode("hello\n"), "it is not a SQLite database"],
    ["short", new TextEncoder().encode("SQLite format 3\0"), ""],
    ["torn", good.subarray(0, 3 * 4096), ""],
    ["other", await database("CREATE TABLE cats (name)"), "not those of any version of ralph"],
    ["alien", await database("CREATE TABLE sessions (id, name)"), "not those of any version"],
    ["versioned", await database("CREATE TABLE cats (name); PRAGMA user_version = 1"), "not those"],
  ];
  for (const [name, bytes, message] of cases) {
    const path = `${dir.path}/${name}.db`;
    await writeFile(path, bytes);
    assertThrows(() => openRegistry({ path }), RegistryFormatError, message, name);
    assertEquals(await readFile(path), Buffer.from(bytes));
  }
});

Deno.test("openRegistry() names the file that it cannot open", async () => {
  await using dir = await tempDir();
  assertThrows(() => openRegistry({ path: dir.path }), RegistryFormatError, "it is a folder");
  const path = `${dir.path}/sessions.db`;
  openRegistry({ path })[Symbol.dispose]();
  // A folder where the write-ahead log belongs: the file is sound, and cannot be used.
  await mkdir(`${path}-wal`);
  assertThrows(() => openRegistry({ path }), Error, `Cannot open the registry "${path}": `);
});

Deno.test("migrate() brings a file up to date once, and leaves one of a newer ralph alone", async () => {
  await using dir = await tempDir();
  const path = `${dir.path}/data/sessions.db`;
  assertEquals([migrate(path), migrate(path)], [true, false]);
  openRegistryWith({ path, migrations: [...MIGRATIONS, NEXT] })[Symbol.dispose]();
  assertThrows(() => migrate(path), RegistryVersionError, "update ralph");
});
