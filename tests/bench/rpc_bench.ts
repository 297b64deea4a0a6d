import { execFile } from "node:child_process";
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { tempRepo } from "../kit/testing.ts";
import { type Bench, type BenchRow, interleave } from "./measure.ts";

const PROGRAM = fileURLToPath(new URL("rpc_program.ts", import.meta.url));
const ROUNDS = 3;
const CLIENTS = [1, 10, 50];
/** More than this, in percent, is not noise any more. */
const NOISE = 5;

/** An agent that prints more than any real one: 5,000 lines in two seconds. */
const CHATTY = `#!/bin/sh
i=0
while [ $i -lt 50 ]; do seq -f "line %06.0f of what an agent prints while it works on a story" 100
sleep 0.04; i=$((i+1)); done
`;

/** An agent that prints as fast as it is read. */
const FLOOD = `#!/bin/sh
seq -f "line %06.0f of what an agent prints while it works on a story" 50000
`;

/** What clients add to the time of a loop; one of them never reads anything. */
export const RPC_BENCHES: readonly Bench[] = [
  rpcBench("rpc: a loop with clients, one of which reads nothing", CHATTY, NOISE),
  rpcBench("rpc: clients of a loop whose agent prints as fast as it can", FLOOD),
];

function rpcBench(name: string, agent: string, mostPercent?: number): Bench {
  return {
    name,
    reference: "the same loop without clients",
    async run(): Promise<BenchRow[]> {
      const subjects = [0, ...CLIENTS].map((clients) =>
        [String(clients), () => loopMs(agent, clients)] as const
      );
      const medians: Record<string, number> = await interleave(
        ROUNDS,
        Object.fromEntries(subjects),
      );
      const reference = medians["0"] ?? NaN;
      return CLIENTS.map((clients) => {
        const ours = medians[String(clients)] ?? NaN;
        const row = { what: `a loop with ${clients} clients`, ours, reference, unit: "ms" };
        if (mostPercent === undefined) return row;
        const met = ours <= reference * (1 + mostPercent / 100);
        return { ...row, reach: { words: `at most ${mostPercent} % over`, met } };
      });
    },
  };
}

async function loopMs(agent: string, clients: number): Promise<number> {
  await using repo = await tempRepo();
  const dir = join(repo.path, "tasks", "bench");
  const program = join(repo.path, ".git", "agent");
  await mkdir(dir, { recursive: true });
  const userStories = [{ id: "US-001", title: "Talk", passes: false }];
  await writeFile(join(dir, "prd.json"), JSON.stringify({ project: "bench", userStories }));
  await writeFile(program, agent);
  await chmod(program, 0o755);
  const args = ["run", "-A", PROGRAM, repo.path, program, String(clients)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return Number(stdout);
}
