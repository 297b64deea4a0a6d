import { execFile } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { V8_FLAG } from "../../lib/cli/program.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import type { Bench, BenchRow } from "./measure.ts";
import { type MemoryMark, WARM } from "./memory_program.ts";

const PROGRAM = fileURLToPath(new URL("memory_program.ts", import.meta.url));
const ITERATIONS = 1_000;
const MOST_GROWTH = 1.2;

/** Whether the memory of a loop that runs for days stays where it was in its first minutes. */
export const MEMORY_BENCH: Bench = {
  name: "memory",
  reference: `the same process after ${WARM} iterations`,
  async run(): Promise<BenchRow[]> {
    const { warm, last } = await measureMemory(ITERATIONS);
    const row = (what: string, ours: number, reference: number): BenchRow => ({
      what: `${what} after ${ITERATIONS} iterations`,
      ours,
      reference,
      unit: "MB",
      reach: { words: "at most 20% more", met: ours <= reference * MOST_GROWTH },
    });
    return [
      row("heap", last.heapMb, warm.heapMb),
      row("resident memory", last.residentMb, warm.residentMb),
    ];
  },
};

/**
 * Runs a session as a worker does, with an agent that says something and ends at once.
 *
 * @param iterations How many iterations, more than {@linkcode WARM}.
 * @returns The memory once everything was used, and at the end.
 */
export async function measureMemory(
  iterations: number,
): Promise<{ warm: MemoryMark; last: MemoryMark }> {
  await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
  const script = 'echo one; echo two >&2; echo "$n"';
  const { command: [program = ""] } = await scriptedAgent(join(repo.outside, "agent"), [script]);
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...["run", "-A", `--v8-flags=--expose-gc,${V8_FLAG}`],
    ...[PROGRAM, repo.root, program, String(iterations)],
  ]);
  const [warm, last] = JSON.parse(stdout) as MemoryMark[];
  if (warm?.iteration !== WARM || last?.iteration !== iterations) {
    throw new Error(`Cannot compare the memory of iterations: ${stdout}`);
  }
  return { warm, last };
}
