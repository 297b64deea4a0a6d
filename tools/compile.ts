/**
 * Builds the executable `dist/ralph`, or another file: `deno task compile [file]`.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { copyFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { V8_FLAG } from "../lib/cli/program.ts";

const ROOT = fileURLToPath(new URL("../", import.meta.url));

/** What cli.ts loads by its name, which the compiler does not see. */
const MAIN = "lib/cli/main.ts";

/**
 * Makes an error of `deno compile` readable where its base program cannot be downloaded.
 *
 * @param stderr What `deno compile` printed.
 * @returns The sentence to print in its place; nothing if it failed for another reason.
 */
export function describeCompileError(stderr: string): string | undefined {
  const url = /https:\/\/\S+\/denort-[^\s)]+/.exec(stderr)?.[0];
  if (url === undefined || !/error sending request|Setting up base binary/.test(stderr)) return;
  return `error: Cannot download the base program of an executable from ${new URL(url).host}\n` +
    `hint: run this where the network reaches it, or download ${url},\n` +
    "      unpack it and name the file: DENORT_BIN=path/to/denort deno task compile\n";
}

async function compile(output: string): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), "ralph-compile-"));
  try {
    // deno.json leaves what is imported on demand to the time when it is used: then it would be
    // missing in the executable. In a folder below the root this would be a part of deno.json.
    const config = join(dir, "deno.json");
    await copyFile(join(ROOT, "imports.json"), config);
    const child = spawn(process.execPath, [
      ...["compile", "--allow-all", "--no-check", `--config=${config}`, `--v8-flags=${V8_FLAG}`],
      ...["--lock=deno.lock", "--frozen", `--include=${MAIN}`, `--output=${output}`, "cli.ts"],
    ], { cwd: ROOT, stdio: ["ignore", "inherit", "pipe"] });
    const closed = new Promise<number>((resolve) => {
      child.on("close", (code) => resolve(code ?? 1));
    });
    const stderr = await text(child.stderr);
    const code = await closed;
    process.stderr.write(code === 0 ? stderr : describeCompileError(stderr) ?? stderr);
    return code;
  } finally {
    await rm(dir, { recursive: true });
  }
}

if (import.meta.main) {
  process.exitCode = await compile(resolve(process.argv[2] ?? join(ROOT, "dist", "ralph")));
}
