/**
 * Runs a session of many iterations, and prints as JSON what memory it has at some of them:
 * `deno run -A --v8-flags=--expose-gc,... memory_program.ts ROOT AGENT ITERATIONS`.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { createCommand, resolveTask, runSession, sessionPaths } from "../../mod.ts";

/** The memory of a process, without garbage. */
export interface MemoryMark {
  /** After which iteration. */
  iteration: number;
  /** The size of its objects, in megabytes. */
  heapMb: number;
  /** Its resident memory, in megabytes. */
  residentMb: number;
}

/** The iteration with which the last one is compared: by then all code is loaded and compiled. */
export const WARM = 50;

async function measure(root: string, agent: string, iterations: number): Promise<MemoryMark[]> {
  const marks: MemoryMark[] = [];
  await runSession({
    loop: {
      task: await resolveTask("job", { cwd: root }),
      agents: [createCommand("program", { command: [agent] })],
      agent: "program",
      limits: { iterations },
      stagnationLimit: 0,
    },
    paths: sessionPaths({ HOME: join(root, ".git", "home") }),
    sinks: [{
      write(event) {
        if (event.type !== "iteration_finished") return;
        const { iteration } = event;
        if (iteration === WARM || iteration === iterations) marks.push(mark(iteration));
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }],
  });
  return marks;
}

function mark(iteration: number): MemoryMark {
  const { gc } = globalThis as { gc?: () => void };
  if (gc === undefined) throw new Error("Cannot measure memory: expected --v8-flags=--expose-gc");
  // Twice, because finalizers of the first round free what only the second one can collect.
  gc();
  gc();
  const { heapUsed, rss } = process.memoryUsage();
  return { iteration, heapMb: heapUsed / 2 ** 20, residentMb: rss / 2 ** 20 };
}

if (import.meta.main) {
  const [root = "", agent = "", iterations = ""] = process.argv.slice(2);
  process.stdout.write(`${JSON.stringify(await measure(root, agent, Number(iterations)))}\n`);
}
