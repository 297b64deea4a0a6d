import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { buildNpm } from "../../tools/build_npm.ts";
import { VERSION } from "../../lib/version.ts";
import { tempDir } from "../kit/testing.ts";

const run = promisify(execFile);

/** Why the test cannot run here; nothing if it can. */
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

const PRD =
  '{"project":"p","description":"d","branchName":null,"userStories":[{"id":"US-1","title":"T",' +
  '"description":"d","acceptanceCriteria":[],"passes":false}]}';

const AGENTS = ["plain", "drawn"].map((name) =>
  `[agents.${name}]\ncommand = ["echo"]\nprompt = "argument"\npty = ${name === "drawn"}\n`
).join("");

const CONSUMER = `import { createDemo, type LoopEvent, resolveTask, runLoop } from "@ralph/cli";
import { run } from "@ralph/cli/cli";

const task = await resolveTask("demo");
const seen: LoopEvent[] = [];
const loop = runLoop({ task, agents: [createDemo()], limits: { iterations: 3 } });
for await (const event of loop) {
  seen.push(event);
  if (event.type === "iteration_finished") event.story.id satisfies string;
}
run satisfies () => Promise<void>;
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

/** How the package stands on each Node: npm's names of them, and whether ralph runs there. */
const NODES: Record<string, boolean> = {
  "20": false,
  "22": false,
  "24.0.0": true,
  "24": true,
  latest: true,
};

/** Written by every Node that loads it: the files that were read, one a line. */
const FILES_HOOK = `import { registerHooks } from "node:module";
import { appendFileSync } from "node:fs";
registerHooks({
  load(url, context, next) {
    if (url.startsWith("file:")) appendFileSync(process.env.LOADED_FILES, url + "\\n");
    return next(url, context);
  },
});
`;

/** What a program printed, and its exit code where it failed. */
interface Ran {
  stdout: string;
  stderr: string;
  code?: number;
}

interface Packed {
  filename: string;
  files: { path: string }[];
}

/** A project that has installed the package, and nothing else. */
interface Project {
  /** Its folder. */
  path: string;
  /** The program of a Node. */
  node: (version: string) => string;
  /** What was packed. */
  packed: Packed;
  /** The tarball. */
  tarball: string;
  /** The environment: Node 24 first, the Deno that runs this test nowhere. */
  env: Record<string, string>;
}

async function project(dir: string): Promise<Project> {
  const [home, built, path] = ["home", "built", "user"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [home, path]) await mkdir(folder);
  await buildNpm(built);
  const { stdout } = await run("npm", ["pack", built, "--json"], { cwd: dir });
  const [packed] = JSON.parse(stdout) as Packed[];
  assert(packed);
  const tarball = join(dir, packed.filename);
  await writeFile(join(path, "package.json"), '{ "private": true, "type": "module" }');
  await install(path, tarball);
  for (const version of Object.keys(NODES)) {
    await install(await folder(join(dir, version)), `node@${version}`);
  }
  const node = (version: string) => join(dir, version, "node_modules", ".bin", "node");
  return {
    ...{ path, node, packed, tarball },
    env: {
      HOME: home,
      PATH: [dirname(node("24")), ...await pathsOf("git", "sh", "npx")].join(":"),
      XDG_DATA_HOME: join(home, "data"),
      XDG_STATE_HOME: join(home, "state"),
    },
  };
}

async function install(cwd: string, ...packages: string[]): Promise<void> {
  await run("npm", ["install", "--no-audit", "--no-fund", ...packages], { cwd });
}

async function folder(path: string): Promise<string> {
  await mkdir(path);
  await writeFile(join(path, "package.json"), '{ "private": true }');
  return path;
}

/** The packages that files belong to. */
function packagesOf(files: string[]): string[] {
  const names = files.map((file) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  return [...new Set(names)].filter((name) => name !== undefined).toSorted();
}

/** The packages below a folder, and their bytes. */
async function installed(path: string): Promise<{ packages: string[]; bytes: number }> {
  const root = join(path, "node_modules");
  const packages: string[] = [];
  let bytes = 0;
  for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const file = join(entry.parentPath, entry.name);
    bytes += (await stat(file)).size;
    const found = /(?:^|\/node_modules\/)((?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/.exec(
      file.slice(root.length + 1),
    );
    if (found?.[1] !== undefined) packages.push(found[1]);
  }
  return { packages, bytes };
}

const reason = await obstacle();
const name = "buildNpm() makes a package that Node 24 runs and tsc understands";
Deno.test({
  name: reason === undefined ? name : `${name} (skipped: ${reason})`,
  ignore: reason !== undefined,
  async fn(t) {
    await using dir = await tempDir();
    const { path: user, env, node, packed, tarball } = await project(dir.path);
    const bin = join(user, "node_modules", ".bin", "ralph");
    const own = join(user, "node_modules", "@ralph", "cli");

    await t.step("npm install brings nothing else, in less than 4 MB", async () => {
      const { packages, bytes } = await installed(user);
      assertEquals(packages, ["@ralph/cli"]);
      assertLess(bytes, 4_000_000);
    });

    await t.step("its package.json names what was packed", async () => {
      const paths = packed.files.map((file) => file.path);
      const wanted = ["README.md", "LICENSE", "THIRD_PARTY_LICENSES", "schemas/prd.schema.json"];
      for (const path of [...wanted, "mod.js", "cli.js", "types/mod.d.ts", "types/cli.d.ts"]) {
        assert(paths.includes(path), path);
      }
      const manifest = JSON.parse(await readFile(join(own, "package.json"), "utf8"));
      assertEquals(manifest.version, VERSION);
      for (const key of ["repository", "homepage", "bugs"]) assert(manifest[key], key);
      const licenses = await readFile(join(own, "THIRD_PARTY_LICENSES"), "utf8");
      for (const bundled of ["zod@", "jsonc-parser@", "@clack/prompts@", "deno-std@"]) {
        assertStringIncludes(licenses, `\n${bundled}`);
      }
    });

    await t.step("no file names the machine that built it", async () => {
      for (const { path } of packed.files) {
        const text = await readFile(join(own, path), "utf8");
        for (const place of [".cache/deno", "registry.npmjs.org/", dir.path]) {
          assert(!text.includes(place), `${path} has ${place}`);
        }
      }
    });

    for (const [version, fits] of Object.entries(NODES)) {
      await t.step(
        `Node ${version} ${fits ? "runs it" : "is told that it is too old"}`,
        async () => {
          const ran = await run(node(version), [bin, "--version"], { cwd: user, env }).catch((it) =>
            it
          );
          assertEquals(ran.stdout, fits ? `ralph ${VERSION}\n` : "");
          if (fits) return;
          assertEquals(ran.code, 5);
          assertMatch(ran.stderr, /^error: ralph needs Node 24 or later, and this is Node \S+\n$/);
        },
      );
    }

    await t.step("npx ralph demo runs on Node 24.0.0 and on Node 24", async () => {
      const { stdout } = await run("node", ["--version"], { cwd: user, env });
      assertStringIncludes(stdout, "v24.");
      const demo = await run("npx", ["ralph", "demo"], { cwd: user, env });
      assertStringIncludes(demo.stdout, "3 of 3 stories");
      const first = await run(node("24.0.0"), [bin, "demo"], { cwd: user, env });
      assertStringIncludes(first.stdout, "3 of 3 stories");
    });

    await t.step("./cli has the command as a function", async () => {
      const script = 'process.argv = ["node", "ralph", "--version"];' +
        'const { run } = await import("@ralph/cli/cli"); await run();';
      const ran = await run("node", ["--input-type=module", "-e", script], { cwd: user, env });
      assertEquals(ran.stdout, `ralph ${VERSION}\n`);
    });

    const log = join(dir.path, "files.txt");
    const hook = join(dir.path, "hook.mjs");
    await writeFile(hook, FILES_HOOK);
    /** Runs Node, and says which files it and the workers that it started have read. */
    async function loads(args: string[], cwd: string): Promise<{ files: string[]; ran: Ran }> {
      await writeFile(log, "");
      const own = { ...env, LOADED_FILES: log, NODE_OPTIONS: `--import=${hook}` };
      const ran: Ran = await run("node", args, { cwd, env: own }).catch((error) => error);
      const lines = (await readFile(log, "utf8")).trim().split("\n");
      return { ran, files: [...new Set(lines)].filter((file) => file !== `file://${hook}`) };
    }

    await t.step("the library is read from at most 10 files", async () => {
      const script = 'import { runLoop } from "@ralph/cli"; console.log(typeof runLoop)';
      const { ran, files } = await loads(["--input-type=module", "-e", script], user);
      assertEquals(ran.stdout, "function\n");
      assertLessOrEqual(files.length, 10);
      assert(files.some((file) => file.endsWith("/mod.js")), files.join("\n"));
    });

    const repo = join(dir.path, "repo");
    await mkdir(join(repo, "tasks", "t"), { recursive: true });
    await run("git", ["init", "--quiet", repo], { env });
    await writeFile(join(repo, "ralph.toml"), AGENTS);
    await writeFile(join(repo, "tasks", "t", "prd.json"), PRD);
    const once = (agent: string) => [bin, "run", "t", "--trust", "-a", agent, "-i", "1"];

    await t.step("run and attach load no package but ralph's own", async () => {
      for (const args of [once("plain"), [bin, "attach", "t"]]) {
        const { files, ran } = await loads(args, repo);
        assert(files.length > 1, ran.stderr);
        assertEquals(packagesOf(files), ["@ralph/cli"]);
      }
    });

    await t.step("a PTY without its packages says what to install, and does no work", async () => {
      const { ran } = await loads(once("drawn"), repo);
      assertEquals(ran.code, 5, ran.stderr);
      assertStringIncludes(ran.stderr, "A PTY needs packages that are not installed");
      const line = /hint: npm install (.*)/.exec(ran.stderr)?.[1];
      assert(line, ran.stderr);
      await install(user, ...line.split(" "));
    });

    await t.step("a PTY loads its packages, once they are installed", async () => {
      const { files, ran } = await loads(once("drawn"), repo);
      assert(!ran.stderr.includes("A PTY needs"), ran.stderr);
      for (const name of ["@lydell/node-pty", "@xterm/headless", "@xterm/addon-serialize"]) {
        assert(packagesOf(files).includes(name), packagesOf(files).join(" "));
      }
    });

    await t.step("a strict NodeNext project type-checks against it", async () => {
      await install(user, tarball, "typescript@5.9.3", "@types/node@24");
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
