import { spawn } from "node:child_process";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { connectSession, openRegistry, sessionPaths } from "../../mod.ts";
import { configure, ralph } from "../kit/ralph_process.ts";
import { taskRepo } from "../kit/scripted_agent.ts";
import { HAS_TMUX } from "../kit/tmux.ts";
import type { Bench, BenchRow } from "./measure.ts";

const KEYS = 1_000;
const MOST_MS = 2;
const MOST_TIMES = 2;
/** A program that echoes each key itself, like a full-screen program. */
const ECHO = "stty raw -echo; printf ready; exec cat";

/** Sends a key and settles when its echo is there. */
type Press = (key: string) => Promise<void>;

/** The round trip of a key to the agent of a session, through client, socket, worker and PTY. */
export const ECHO_BENCH: Bench = {
  name: "keystroke to echo",
  reference: "tmux in control mode",
  async run(): Promise<BenchRow[]> {
    const ours = await throughRalph();
    const reference = HAS_TMUX ? await throughTmux() : undefined;
    return [0.5, 0.99].map((share) => {
      const ms = quantile(ours, share);
      const theirs = reference === undefined ? undefined : quantile(reference, share);
      const met = ms <= MOST_MS && (theirs === undefined || ms <= theirs * MOST_TIMES);
      const words = `at most ${MOST_MS} ms, and ${MOST_TIMES} times tmux`;
      return {
        what: `p${share * 100} of ${KEYS} keys`,
        ours: ms,
        ...(theirs !== undefined && { reference: theirs }),
        unit: "ms",
        ...(share === 0.5 && { reach: { words, met } }),
      };
    });
  },
};

async function throughRalph(): Promise<number[]> {
  await using repo = await taskRepo([{ id: "US-001" }]);
  const program = join(repo.outside, "echo.sh");
  await writeFile(program, `#!/bin/sh\n${ECHO}\n`);
  await chmod(program, 0o755);
  const options = await configure(
    repo,
    {},
    `[agents.tui]\ncommand = ["${program}"]\nprompt = "file"\npty = true\n`,
  );
  await ralph(["run", "job", "-a", "tui", "--detach"], options);
  try {
    const { database } = sessionPaths({ HOME: options.home });
    using registry = openRegistry({ path: database });
    await using client = await connectSession(registry.runningSessions()[0]?.socket ?? "");
    const echo = new Echo();
    using _screen = await client.subscribe(["screen"], (notification) => {
      if (notification.type === "screen") echo.hear(notification.data.data);
    });
    await client.call("set_interactive_mode", { enabled: true });
    return await measure((key) => {
      const heard = echo.of(key);
      void client.call("write_pty", { data: key });
      return heard;
    });
  } finally {
    await ralph(["stop", "job", "--now"], options);
  }
}

async function throughTmux(): Promise<number[]> {
  const socket = `ralph-bench-${process.pid}`;
  const args = ["-L", socket, "-f", "/dev/null", "-C", "new-session", "-s", "t", ECHO];
  const tmux = spawn("tmux", args, { stdio: ["pipe", "pipe", "ignore"] });
  try {
    const echo = new Echo();
    tmux.stdout.setEncoding("utf8").on("data", (text: string) => {
      for (const [, data = ""] of text.matchAll(/^%output %\d+ (.*)$/gm)) echo.hear(data);
    });
    await echo.of("ready");
    return await measure((key) => {
      const heard = echo.of(key);
      tmux.stdin.write(`send-keys -t t -l ${key}\n`);
      return heard;
    });
  } finally {
    tmux.stdin.write("kill-server\n");
    await new Promise((resolve) => tmux.once("close", resolve));
  }
}

/** Waits for what a terminal prints. */
class Echo {
  #wanted: { text: string; resolve: () => void } | undefined;

  of(text: string): Promise<void> {
    return new Promise((resolve) => this.#wanted = { text, resolve });
  }

  hear(data: string): void {
    if (!this.#wanted || !data.includes(this.#wanted.text)) return;
    this.#wanted.resolve();
    this.#wanted = undefined;
  }
}

async function measure(press: Press): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < KEYS + 100; i++) {
    const start = performance.now();
    await press("abcdefghij"[i % 10] ?? "a");
    // The first ones warm both sides up.
    if (i >= 100) times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b);
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}
