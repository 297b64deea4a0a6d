import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { setTimeout as delay } from "node:timers/promises";

/** A real terminal for tests: tmux, where it is installed. */

const run = promisify(execFile);

/** Whether tmux can be used. */
export const HAS_TMUX: boolean = await run("tmux", ["-V"]).then(() => true, () => false);

/** A terminal with a program in it. */
export interface Terminal extends AsyncDisposable {
  /** Types keys, as tmux names them. */
  type(...keys: string[]): Promise<void>;
  /** Changes the size. */
  resize(columns: number, rows: number): Promise<void>;
  /** What is on the screen. */
  screen(): Promise<string>;
  /** Waits until the screen holds a text, and returns it. */
  until(text: string): Promise<string>;
}

/** Starts a shell command on a separate tmux server, so that the user's tmux is not touched. */
export async function openTerminal(
  command: string,
  options: { cwd: string; env: Record<string, string>; columns?: number; rows?: number },
): Promise<Terminal> {
  const { cwd, env, columns = 100, rows = 30 } = options;
  const socket = `ralph-test-${crypto.randomUUID().slice(0, 8)}`;
  const tmux = async (...args: string[]): Promise<string> =>
    (await run("tmux", ["-L", socket, "-f", "/dev/null", ...args], { cwd, env })).stdout;
  const size = ["-x", String(columns), "-y", String(rows)];
  await tmux(
    "new-session",
    "-d",
    "-s",
    "t",
    ...size,
    `${command}; printf 'exit %s\\n' $?; sleep 60`,
  );
  const screen = (): Promise<string> => tmux("capture-pane", "-p", "-t", "t");
  return {
    screen,
    async type(...keys) {
      await tmux("send-keys", "-t", "t", ...keys);
    },
    async resize(width, height) {
      await tmux("resize-window", "-t", "t", "-x", String(width), "-y", String(height));
    },
    async until(text) {
      const end = performance.now() + 20_000;
      for (;;) {
        const shown = await screen();
        if (shown.includes(text)) return shown;
        if (performance.now() > end) throw new Error(`Never saw "${text}" on:\n${shown}`);
        await delay(30);
      }
    },
    async [Symbol.asyncDispose]() {
      await tmux("kill-server").catch(() => {});
    },
  };
}
