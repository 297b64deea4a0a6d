#!/usr/bin/env -S deno run -A
/**
 * The command `ralph`: `deno run -A jsr:@ralph/cli/cli run my-feature`.
 *
 * @module
 */
import process from "node:process";
import { main } from "./lib/cli/main.ts";

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
