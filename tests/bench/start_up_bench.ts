import { fileURLToPath } from "node:url";
import process from "node:process";
import { type Bench, type BenchRow, interleave, timeProgram } from "./measure.ts";

const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const ROUNDS = 30;
const MOST_TIMES = 2;

/** How long the command takes to print something, beside the minimum that Deno takes. */
export const START_UP_BENCH: Bench = {
  name: "start-up",
  reference: "deno eval 0",
  async run(): Promise<BenchRow[]> {
    const ralph = (...args: string[]) => () =>
      timeProgram([process.execPath, "run", "-A", CLI, ...args]);
    const { reference, ...ours } = await interleave(ROUNDS, {
      reference: () => timeProgram([process.execPath, "eval", "0"]),
      "ralph --version": ralph("--version"),
      "ralph --help": ralph("--help"),
      "ralph run --help": ralph("run", "--help"),
    });
    return Object.entries(ours).map(([what, ms]) => ({
      what,
      ours: ms,
      reference,
      unit: "ms",
      ...(what !== "ralph --version" ? {} : {
        reach: { words: `at most ${MOST_TIMES} times`, met: ms <= MOST_TIMES * reference },
      }),
    }));
  },
};
