#!/usr/bin/env -S deno run -A
/**
 * The command `ralph`: `deno run -A jsr:@ralph/cli run my-feature`.
 *
 * @module
 */
import process from "node:process";
import { main } from "./lib/cli/main.ts";

/** Runs the command line of this process, and sets its exit code. */
export async function run(): Promise<void> {
  process.exitCode = await main(process.argv.slice(2), { entry: import.meta.url });
}

if (import.meta.main) await run();
