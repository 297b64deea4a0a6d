import { execFile } from "node:child_process";
import { promisify } from "node:util";

/** One line of a report: our number and the reference's, measured in the same run. */
export interface BenchRow {
  /** What was measured. */
  what: string;
  /** Our number; the median if there were several. */
  ours: number;
  /** The number of the reference; absent if there is none. */
  reference?: number;
  /** The unit of both: `ms`, `MB`. */
  unit: string;
  /** The target in words, and whether it was met. */
  reach?: { words: string; met: boolean };
}

/** Something to measure. */
export interface Bench {
  /** Its name, which `--filter` matches. */
  name: string;
  /** The reference that the numbers are compared with. */
  reference: string;
  /** Measures. */
  run(): Promise<BenchRow[]>;
}

/**
 * The median of some numbers.
 *
 * @param numbers At least one.
 * @returns The median; the mean of the two in the middle if their count is even.
 * @throws {RangeError} If there are none.
 */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const high = sorted[sorted.length >> 1];
  const low = sorted[(sorted.length - 1) >> 1];
  if (high === undefined || low === undefined) {
    throw new RangeError("Cannot find the median of no numbers");
  }
  return (low + high) / 2;
}

/**
 * Measures several subjects in turn, so that other load on the machine affects all of them
 * alike. The first round is a warm-up and does not count.
 *
 * @param rounds How often each is measured.
 * @param subjects What is measured, by name; each returns its number.
 * @returns The median of each.
 */
export async function interleave<Name extends string>(
  rounds: number,
  subjects: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const entries = Object.entries(subjects) as [Name, () => Promise<number>][];
  const samples = new Map<Name, number[]>(entries.map(([name]) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const [name, measure] of entries) {
      const sample = await measure();
      if (round > 0) samples.get(name)?.push(sample);
    }
  }
  const medians = entries.map(([name]) => [name, median(samples.get(name) ?? [])]);
  return Object.fromEntries(medians) as Record<Name, number>;
}

/** Options for {@linkcode timeProgram}. */
export interface TimeProgramOptions {
  /** Where it runs. @default {the folder of this process} */
  cwd?: string;
  /** Its environment. @default {that of this process} */
  env?: Record<string, string>;
}

/**
 * Runs a program and takes the time until it has ended.
 *
 * @param command The program and its arguments.
 * @param options Where it runs.
 * @returns How long it took, in milliseconds.
 * @throws {Error} If it fails.
 */
export async function timeProgram(
  command: readonly string[],
  options: TimeProgramOptions = {},
): Promise<number> {
  const [program = "", ...args] = command;
  const start = performance.now();
  await promisify(execFile)(program, args, { maxBuffer: 2 ** 26, ...options });
  return performance.now() - start;
}
