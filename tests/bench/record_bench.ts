import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { type Bench, type BenchRow, interleave, median, timeProgram } from "./measure.ts";
import type { RecordCost } from "./record_program.ts";

const PROGRAM = fileURLToPath(new URL("record_program.ts", import.meta.url));
const EVENTS = 100_000;
const OUTPUT_MB = 200;
const MOST_MB = 150;

/** What it takes to record events and the output of agents. */
export const RECORD_BENCH: Bench = {
  name: "recorder",
  reference: "cat of the same bytes into a file",
  async run(): Promise<BenchRow[]> {
    const folder = await mkdtemp(join(tmpdir(), "ralph-bench-"));
    try {
      const rows: BenchRow[] = [];
      const events = await record(folder, "events", String(EVENTS));
      rows.push({ what: `${EVENTS} events, each awaited`, ours: events.ms, unit: "ms" });
      for (const width of [1_000, 100]) rows.push(...await output(folder, width));
      return rows;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
};

async function output(folder: string, width: number): Promise<BenchRow[]> {
  const file = join(folder, `output-${width}`);
  const line = "x".repeat(width - 1) + "\n";
  await writeFile(file, line.repeat(OUTPUT_MB * 1_000_000 / width));
  const peaks: number[] = [];
  const { ours, reference } = await interleave(3, {
    ours: async () => {
      const { ms, peakMb } = await record(folder, "output", file);
      peaks.push(peakMb);
      return ms;
    },
    reference: () => timeProgram(["/bin/sh", "-c", 'cat "$0" > "$0.copy" && sync "$0.copy"', file]),
  });
  const peakMb = median(peaks);
  const what = `${OUTPUT_MB} MB of output in lines of ${width} bytes`;
  return [
    {
      what,
      ours: OUTPUT_MB * 1_000 / ours,
      reference: OUTPUT_MB * 1_000 / reference,
      unit: "MB/s",
    },
    {
      what: `peak memory of it`,
      ours: peakMb,
      unit: "MB",
      reach: { words: `at most ${MOST_MB} MB`, met: peakMb <= MOST_MB },
    },
  ];
}

async function record(folder: string, mode: string, what: string): Promise<RecordCost> {
  const own = await mkdtemp(join(folder, "record-"));
  const args = ["run", "-A", PROGRAM, mode, what, own];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  await rm(own, { recursive: true });
  return JSON.parse(stdout) as RecordCost;
}
