import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { openPty } from "../../lib/agent/pty/pty.ts";
import { type Bench, type BenchRow, interleave, median } from "./measure.ts";

const PROGRAM = fileURLToPath(new URL("pty_program.ts", import.meta.url));
const ENV = { PATH: process.env.PATH ?? "/usr/bin:/bin" };
const BYTES = 20_000_000;
const ROUNDS = 5;
const SNAPSHOTS = 100;
const MOST_SNAPSHOT_MS = 5;
const FLOOD = `yes | head -c ${BYTES}`;

/** A PTY flooded by a program, the serialization of its screen, and its memory in a worker. */
export const PTY_BENCH: Bench = {
  name: "pty",
  reference: "tmux; a worker without a PTY",
  async run(): Promise<BenchRow[]> {
    const run = promisify(execFile);
    const tmux = (...args: string[]) => run("tmux", ["-L", `ralph-bench-${process.pid}`, ...args]);
    const hasTmux = await run("tmux", ["-V"]).then(() => true, () => false);
    const times = await interleave<string>(ROUNDS, {
      ours: () => time(async () => void await (await openScreen(FLOOD, 80, 24)).exited),
      ...(hasTmux && {
        tmux: () =>
          time(async () => {
            const size = ["-x", "80", "-y", "24"];
            const socket = `ralph-bench-${process.pid}`;
            const signal = `tmux -L ${socket} wait-for -S done`;
            await tmux("-f", "/dev/null", "new-session", "-d", ...size, `${FLOOD}; ${signal}`);
            await tmux("wait-for", "done");
            await tmux("kill-server").catch(() => {});
          }),
      }),
    });
    const rate = (ms: number): number => BYTES / 1_000 / ms;
    const memory = await interleave(3, {
      pty: () => residentMb(["pty"]),
      plain: () => residentMb([]),
    });
    return [
      {
        what: "yes on a screen of 80x24",
        ours: rate(times.ours ?? NaN),
        ...(times.tmux !== undefined && { reference: rate(times.tmux) }),
        unit: "MB/s",
      },
      await snapshotRow(80, 24),
      await snapshotRow(200, 50),
      {
        what: "memory of a worker with a PTY",
        ours: memory.pty,
        reference: memory.plain,
        unit: "MB",
      },
    ];
  },
};

function openScreen(script: string, columns: number, rows: number) {
  return openPty(["sh", "-c", script], { cwd: "/", env: ENV, columns, rows });
}

async function time(work: () => Promise<void>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** The worst case: a screen where every second cell has another colour. */
async function snapshotRow(columns: number, rows: number): Promise<BenchRow> {
  const cells = Math.floor(columns * rows / 2);
  const script = `i=0; while [ $i -lt ${cells} ]; do ` +
    "printf '\\033[38;5;%dmx\\033[1;4%dmy' $((i%256)) $((i%8)); i=$((i+1)); done";
  const pty = await openScreen(script, columns, rows);
  await pty.exited;
  const samples = Array.from({ length: SNAPSHOTS }, () => {
    const start = performance.now();
    pty.terminal.serialize();
    return performance.now() - start;
  });
  const ours = median(samples);
  return {
    what: `picture of a full screen of ${columns}x${rows}`,
    ours,
    unit: "ms",
    reach: { words: `at most ${MOST_SNAPSHOT_MS} ms`, met: ours <= MOST_SNAPSHOT_MS },
  };
}

async function residentMb(args: string[]): Promise<number> {
  const { stdout } = await promisify(execFile)(process.execPath, ["run", "-A", PROGRAM, ...args]);
  return Number(stdout) / 1_000_000;
}
