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

/** How long Claude Code may take to begin, in milliseconds. */
const START_MS = 60_000;
const ESCAPE = "\x1b";
const CTRL_D = "\x04";

/**
 * Starts the interactive Claude Code on a story, in a PTY.
 *
 * Its hooks report when a turn is over; its actions, usage and denials come from its transcript,
 * which has no cost. Nothing is read from the screen.
 *
 * @param options The options of the agent.
 * @param start The options of the start.
 * @returns The run, which has a terminal.
 */
export function startClaudePty(options: ClaudeOptions, start: AgentStartOptions): AgentRun {
  const { program = "claude", patterns = [], now = Date.now } = options;
  const opened = openSignalFolder(start);
  // The rejection surfaces where `opened` is awaited.
  opened.catch(() => {});
  let folder: SignalFolder | undefined;
  const turns = new ClaudeTurns({ cwd: start.cwd, read: async () => await folder?.read() });
  const env = { ...start.env };
  const settings = claudeSettings({ ...start, env }, { ...options, more: claudeHooks() });
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
        // We asked it to leave, so its exit code does not matter.
        succeeded: report?.failed === false,
        report,
        failure: early ? "Claude Code ended in the middle of its turn" : undefined,
      });
    },
    async cleanUp() {
      await settings.remove();
      await turns[Symbol.asyncDispose]();
      await opened.then((it) => it[Symbol.asyncDispose]());
    },
    signal: start.signal,
  });
}
