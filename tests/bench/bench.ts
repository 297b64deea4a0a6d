/**
 * Measures ralph beside a reference in the same run: `deno task bench [--filter <words>]`.
 *
 * @module
 */
import { parseArgs } from "@std/cli";
import process from "node:process";
import { ECHO_BENCH } from "./echo_bench.ts";
import { LOOP_BENCHES } from "./loop_bench.ts";
import type { Bench } from "./measure.ts";
import { MEMORY_BENCH } from "./memory_bench.ts";
import { PTY_BENCH } from "./pty_bench.ts";
import { RECORD_BENCH } from "./record_bench.ts";
import { renderReport } from "./report.ts";
import { RPC_BENCHES } from "./rpc_bench.ts";
import { START_UP_BENCH } from "./start_up_bench.ts";
import { STATUS_BENCH } from "./status_bench.ts";

const BENCHES: readonly Bench[] = [
  START_UP_BENCH,
  ...LOOP_BENCHES,
  STATUS_BENCH,
  RECORD_BENCH,
  MEMORY_BENCH,
  PTY_BENCH,
  ECHO_BENCH,
  ...RPC_BENCHES,
];

const { filter } = parseArgs(process.argv.slice(2), { string: ["filter"] });
const chosen = BENCHES.filter(({ name }) => name.includes(String(filter ?? "")));
if (chosen.length === 0) {
  const names = BENCHES.map(({ name }) => `"${name}"`).join(", ");
  throw new RangeError(`Cannot find a benchmark like "${filter}": expected one of ${names}`);
}
for (const { name, reference, run } of chosen) {
  process.stdout.write(`${name}, beside ${reference}\n`);
  const lines = renderReport(await run());
  process.stdout.write(`${lines.map((line) => `  ${line}\n`).join("")}\n`);
}
