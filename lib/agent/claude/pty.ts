import { rm, writeFile } from "node:fs/promises";
import type { AgentRun, AgentStartOptions } from "../agent.ts";
import type { ClaudeOptions } from "./options.ts";
import { claudeArguments } from "./options.ts";
import { CLAUDE_INTERRUPTED } from "./conversation.ts";
import { claudeHooks, claudeSettings } from "./settings.ts";
import { ClaudeTurns } from "./turns.ts";
import { classifyEnding } from "../ending/classify_ending.ts";
import { runPty } from "../pty/run_pty.ts";
import {
  INTERACTIVE_SUFFIX,
  openSignalFolder,
  SIGNAL_VARIABLE,
  type SignalFolder,
} from "../pty/signal_folder.ts";

/** Longest that Claude Code may take to begin: its hooks are read before the prompt is. */
const START_MS = 60_000;
const ESCAPE = "\x1b";
const CTRL_D = "\x04";

/**
 * Starts Claude Code's own terminal program on a story, in a PTY.
 *
 * Its hooks say when a turn is over; what it did, used and was refused comes from its transcript,
 * which names no cost. Nothing is read from the screen.
 *
 * @param options The options of the agent.
 * @param start What it is started with.
 * @returns The run, which has a terminal.
 */
export function startClaudePty(options: ClaudeOptions, start: AgentStartOptions): AgentRun {
  const { program = "claude", patterns = [], now = Date.now } = options;
  const opened = openSignalFolder({ env: start.env });
  // Whoever needs it hears of it.
  opened.catch(() => {});
  let folder: SignalFolder | undefined;
  const turns = new ClaudeTurns({ cwd: start.cwd, read: async () => await folder?.read() });
  const env = { ...start.env };
  const settings = claudeSettings(env, { ...options, more: claudeHooks() });
  return runPty(async () => {
    folder = await opened;
    env[SIGNAL_VARIABLE] = folder.file;
    const common = claudeArguments(options, start);
    await settings.write();
    return [program, ...settings.args, ...common, "--", start.prompt];
  }, {
    cwd: start.cwd,
    env,
    turns: {
      interruptKeys: [ESCAPE],
      leaveKeys: [CTRL_D, CTRL_D],
      startMs: START_MS,
      look: () => turns.look(),
      onCommand: (command) => turns.onCommand(command),
      watch: (onNews) => folder?.watch(onNews) ?? { [Symbol.dispose]: () => {} },
      async setInteractive(enabled) {
        const mark = (await opened).file + INTERACTIVE_SUFFIX;
        if (enabled) await writeFile(mark, "");
        else await rm(mark, { force: true });
      },
    },
    classify(facts) {
      if (turns.interrupted) return { ...CLAUDE_INTERRUPTED };
      const { report } = turns;
      const early = report === undefined && facts.exitCode === 0;
      return classifyEnding(facts, {
        patterns,
        now: now(),
        // Whoever is asked to leave may do so with any exit code.
        succeeded: report?.failed === false,
        ...(report && { report }),
        ...(early && { failure: "Claude Code ended in the middle of its turn" }),
      });
    },
    async cleanUp() {
      await settings.remove();
      await turns[Symbol.asyncDispose]();
      await folder?.[Symbol.asyncDispose]();
    },
    ...(start.signal && { signal: start.signal }),
  });
}
