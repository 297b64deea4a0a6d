#!/usr/bin/env -S deno run -A
/**
 * The command `ralph`: `deno run -A jsr:@ralph/cli run my-feature`.
 *
 * @module
 */
import process from "node:process";
import { VERSION } from "./lib/version.ts";

/** The rest of the command, behind a variable so that Deno does not load it before it is needed. */
const MAIN = "./lib/cli/main.ts";

/** The file that is started: a worker is started with it again. In the npm package it is another. */
const ENTRY = "./cli.ts";

/** Runs the command line of this process, and sets its exit code. */
export async function run(): Promise<void> {
  const args = process.argv.slice(2);
  // Scripts and shells ask for the version often.
  if (args[0] === "--version" || args[0] === "-V") {
    // deno-lint-ignore no-console -- process.stdout alone takes longer to load than this takes
    console.log(`ralph ${VERSION}`);
    return;
  }
  const { main }: typeof import("./lib/cli/main.ts") = await import(
    new URL(MAIN, import.meta.url).href
  );
  process.exitCode = await main(args, { entry: new URL(ENTRY, import.meta.url).href });
}

if (import.meta.main) await run();
