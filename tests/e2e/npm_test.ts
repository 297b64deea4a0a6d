import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { buildNpm } from "../../tools/build_npm.ts";
import { VERSION } from "../../lib/version.ts";
import { tempDir } from "../kit/testing.ts";

const run = promisify(execFile);

/** Why the test cannot run here; `undefined` if it can. */
async function obstacle(): Promise<string | undefined> {
  try {
    await run("npm", ["ping"], { timeout: 20_000 });
    return undefined;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === "ENOENT"
      ? "npm is not installed"
      : `no npm registry: ${message.split("\n")[0]}`;
  }
}

const CONSUMER = `import { createDemo, type LoopEvent, resolveTask, runLoop } from "@ralph/cli";

const task = await resolveTask("demo");
const seen: LoopEvent[] = [];
const loop = runLoop({ task, agents: [createDemo()], limits: { iterations: 3 } });
for await (const event of loop) {
  seen.push(event);
  if (event.type === "iteration_finished") event.story.id satisfies string;
}
// @ts-expect-error: the task is missing
runLoop({ agents: [] });
`;

const TSCONFIG = {
  compilerOptions: {
    module: "nodenext",
    target: "es2024",
    lib: ["esnext"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    noEmit: true,
    types: [],
  },
  files: ["consumer.ts"],
};

const reason = await obstacle();
const name = "buildNpm() makes a package that Node 24 runs and tsc understands";
Deno.test({
  name: reason === undefined ? name : `${name} (skipped: ${reason})`,
  ignore: reason !== undefined,
  async fn(t) {
    await using dir = await tempDir();
    const home = join(dir.path, "home");
    const built = join(dir.path, "built");
    const user = join(dir.path, "user");
    for (const path of [home, user]) await mkdir(path);
    await buildNpm(built);
    const { stdout } = await run("npm", ["pack", built, "--json"], { cwd: dir.path });
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    assert(packed);
    await writeFile(join(user, "package.json"), '{ "private": true, "type": "module" }');
    const tarball = join(dir.path, packed.filename);
    await run("npm", ["install", "--no-audit", "--no-fund", tarball, "node@24", "typescript"], {
      cwd: user,
    });
    const bin = join(user, "node_modules", ".bin");
    // Node 24 first; without the Deno that runs this test, because nothing may need it.
    const env = {
      HOME: home,
      PATH: [bin, ...await pathsOf("git", "sh", "npx")].join(":"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
    };

    await t.step("its package.json names what was packed", async () => {
      const paths = packed.files.map((file) => file.path);
      for (const path of ["README.md", "LICENSE", "mod.js", "cli.js", "types/mod.d.ts"]) {
        assert(paths.includes(path), path);
      }
      const folder = join(user, "node_modules", "@ralph", "cli");
      const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8"));
      assertEquals(version, VERSION);
    });

    await t.step("npx ralph demo runs on Node 24", async () => {
      const node = await run("node", ["--version"], { cwd: user, env });
      assertStringIncludes(node.stdout, "v24.");
      const version = await run("npx", ["ralph", "--version"], { cwd: user, env });
      assertEquals(version.stdout, `ralph ${VERSION}\n`);
      const demo = await run("npx", ["ralph", "demo"], { cwd: user, env });
      assertStringIncludes(demo.stdout, "3 of 3 stories");
    });

    await t.step("the whole library loads on Node 24", async () => {
      const script = 'const m = await import("@ralph/cli"); console.log(typeof m.runLoop)';
      const loaded = await run("node", ["--input-type=module", "-e", script], { cwd: user, env });
      assertEquals(loaded.stdout, "function\n");
    });

    await t.step("a strict NodeNext project type-checks against it", async () => {
      await writeFile(join(user, "consumer.ts"), CONSUMER);
      await writeFile(join(user, "tsconfig.json"), JSON.stringify(TSCONFIG));
      const checked = await run("npx", ["tsc", "--project", "."], { cwd: user, env }).catch(
        (error: { stdout: string }) => error,
      );
      assertEquals(checked.stdout, "");
    });
  },
});

/** The folders in which programs are found. */
async function pathsOf(...programs: string[]): Promise<string[]> {
  const env = { PATH: process.env.PATH ?? "" };
  const found = programs.map((program) =>
    run("/bin/sh", ["-c", 'command -v "$0"', program], { env })
  );
  return [...new Set((await Promise.all(found)).map(({ stdout }) => dirname(stdout.trim())))];
}
