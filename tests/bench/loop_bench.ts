import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tempRepo } from "../kit/testing.ts";
import type { LoopCost } from "./loop_program.ts";
import { type Bench, type BenchRow, interleave, median, timeProgram } from "./measure.ts";

const PROGRAM = fileURLToPath(new URL("loop_program.ts", import.meta.url));
const ROUNDS = 5;
const ITERATIONS = 100;
const STORIES = [10, 50, 500];
const MOST_OVER_MS = 5;
/** Less than this, in milliseconds an iteration, is noise between two medians. */
const NO_GROWTH_MS = 1;

const IDLE = "#!/bin/sh\nexit 0\n";
const MARKING = `#!/bin/sh
sed -i '0,/"passes": false/s//"passes": true/' tasks/bench/prd.json
`;

/** What a loop adds to the time of its agents. */
export const LOOP_BENCHES: readonly Bench[] = [
  loopBench("loop: an agent that does nothing", { agent: IDLE }),
  loopBench("loop: an agent that marks a story", { agent: MARKING }),
  loopBench("loop: an agent that marks a story, recorded", { agent: MARKING, record: true }),
];

function loopBench(name: string, options: { agent: string; record?: boolean }): Bench {
  return {
    name,
    reference: "a bare shell loop over the same agent",
    async run(): Promise<BenchRow[]> {
      const rows: BenchRow[] = [];
      const over: number[] = [];
      const peaks: number[] = [];
      for (const stories of STORIES) {
        const { ours, reference, peakMb } = await measureLoop({ ...options, stories });
        over.push(ours - reference);
        peaks.push(peakMb);
        rows.push({
          what: `an iteration, ${stories} stories`,
          ours,
          reference,
          unit: "ms",
          ...(stories === 50
            ? {
              reach: {
                words: `at most ${MOST_OVER_MS} ms over`,
                met: ours - reference <= MOST_OVER_MS,
              },
            }
            : {}),
        });
      }
      const [, at50 = 0, at500 = 0] = over;
      rows.push({
        what: "growth of an iteration over the shell, 50 to 500 stories",
        ours: at500 - at50,
        unit: "ms",
        reach: { words: `no growth (${NO_GROWTH_MS} ms)`, met: at500 - at50 <= NO_GROWTH_MS },
      });
      rows.push({ what: "peak memory, 500 stories", ours: peaks.at(-1) ?? 0, unit: "MB" });
      return rows;
    },
  };
}

async function measureLoop(
  { agent, stories, record = false }: { agent: string; stories: number; record?: boolean },
): Promise<{ ours: number; reference: number; peakMb: number }> {
  // An agent that marks a story has nothing left to do when all are marked.
  const iterations = agent === IDLE ? ITERATIONS : Math.min(ITERATIONS, stories);
  const peaks: number[] = [];
  const medians = await interleave(ROUNDS, {
    ours: async () => {
      await using repo = await benchRepo(agent, stories);
      const args = ["run", "-A", PROGRAM, repo.path, `--agent=${repo.agent}`];
      if (record) args.push("--record");
      const { stdout } = await promisify(execFile)(process.execPath, [
        ...args,
        `--iterations=${iterations}`,
      ]);
      const cost: LoopCost = JSON.parse(stdout);
      if (cost.iterations !== iterations) {
        throw new RangeError(`Cannot compare: ${cost.iterations} iterations of ${iterations}`);
      }
      peaks.push(cost.peakMb);
      return cost.iterationMs;
    },
    reference: async () => {
      await using repo = await benchRepo(agent, stories);
      const loop = 'i=0; while [ $i -lt "$1" ]; do "$0"; i=$((i+1)); done';
      const command = ["/bin/sh", "-c", loop, repo.agent, String(iterations)];
      return await timeProgram(command, { cwd: repo.path }) / iterations;
    },
  });
  return { ...medians, peakMb: median(peaks) };
}

/** A repository with a task `bench`, and the agent outside of its work tree. */
async function benchRepo(
  agent: string,
  stories: number,
): Promise<AsyncDisposable & { path: string; agent: string }> {
  const repo = await tempRepo();
  const dir = join(repo.path, "tasks", "bench");
  const program = join(repo.path, ".git", "agent");
  await mkdir(dir, { recursive: true });
  const userStories = Array.from({ length: stories }, (_, index) => ({
    id: `US-${String(index + 1).padStart(3, "0")}`,
    title: `Story ${index + 1}`,
    description: "As a user, I want this so that it is done.",
    acceptanceCriteria: ["It works", "It is tested", "The checks pass"],
    priority: index + 1,
    passes: false,
    notes: "",
  }));
  const prd = { project: "bench", description: "A benchmark", userStories };
  await writeFile(join(dir, "prd.json"), JSON.stringify(prd, null, 2));
  await writeFile(program, agent);
  await chmod(program, 0o755);
  const git = (...args: string[]) => promisify(execFile)("git", args, { cwd: repo.path });
  await git("add", "--all");
  await git("commit", "--quiet", "-m", "Add the task");
  return {
    path: repo.path,
    agent: program,
    [Symbol.asyncDispose]: () => repo[Symbol.asyncDispose](),
  };
}
