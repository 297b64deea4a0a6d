import type { Sink } from "../../event/sink.ts";
import type { LoopEvent, LoopResult } from "../../event/loop_event.ts";
import type { LoopOutcome } from "../../event/vocabulary.ts";
import { shellWord } from "../../base/shell_word.ts";
import { LiveView } from "../../ui/live/live_view.ts";
import { plainLines } from "../../ui/report/plain_line.ts";
import type { KeyHint } from "../../ui/live/render_view.ts";
import { supportsColor } from "../../ui/text/style.ts";
import { renderSummary } from "../../ui/report/summary.ts";
import type { CommandContext } from "../kit/command.ts";
import { exitCodeOf } from "../kit/usage.ts";
import { jsonLine } from "../kit/json_line.ts";

/** Options for {@linkcode showRun}. */
export interface ShowRunOptions {
  /** The name of the task. */
  task: string;
  /** The id of the session, if it has one. */
  session?: string | undefined;
  /** Whether to print one JSON object a line. @default {false} */
  json?: boolean | undefined;
  /** Whether to show nothing before the end. @default {false} */
  quiet?: boolean | undefined;
  /** Keys to show below the live view. @default {none} */
  keys?: readonly KeyHint[] | undefined;
}

/** Shows a run; dispose of it to restore the terminal. */
export interface RunOutput extends Sink {
  /** Adds one event; `seq` is its number in the session, if it has one. */
  write(event: LoopEvent, seq?: number): void;
  /** How the loop ended; absent before its last event. */
  readonly result: LoopResult | undefined;
  /** Prints how the loop ended, and returns the exit code; dispose of the output first. */
  finish(): number;
}

/**
 * Shows a run: the live view on a terminal, plain lines elsewhere, or one event a line
 * as JSON.
 */
export function showRun(context: CommandContext, options: ShowRunOptions): RunOutput {
  const { stdout, env } = context;
  const { task, session, json = false, quiet = false, keys } = options;
  const color = supportsColor({ env, isTTY: stdout.isTTY ?? false });
  const checks = new Map<string, boolean>();
  const view = !json && !quiet && stdout.isTTY ? new LiveView(stdout.raw, { color, keys }) : null;
  let result: LoopResult | undefined;
  let published: Extract<LoopEvent, { type: "published" }> | undefined;
  return {
    get result() {
      return result;
    },
    write(event, seq) {
      if (event.type === "check_finished") checks.set(event.command, event.ok);
      if (event.type === "published") published = event;
      if (event.type === "loop_finished") result = event.result;
      if (quiet) return;
      if (json) {
        stdout.write(jsonLine(seq === undefined ? event : { seq, ...event }));
      } else if (view !== null) {
        view.write(event);
      } else {
        for (const line of plainLines(event, { session })) {
          stdout.write(`${line}\n`);
        }
      }
    },
    finish() {
      if (result === undefined) return 1;
      const exitCode = exitCodeOf(result);
      if (!json) {
        const lines = renderSummary(result, {
          task,
          exitCode,
          color,
          columns: stdout.columns,
          checks: [...checks].map(([command, ok]) => ({ command, ok })),
          published,
          next: nextStep(result.outcome, { task, recorded: session !== undefined }),
        });
        stdout.raw.write(lines.map((line) => `${line}\n`).join(""));
      }
      return exitCode;
    },
    [Symbol.asyncDispose]: () => view?.[Symbol.asyncDispose]() ?? Promise.resolve(),
  };
}

/** The command to continue with. */
function nextStep(outcome: LoopOutcome, run: { task: string; recorded: boolean }): string {
  const task = shellWord(run.task);
  switch (outcome) {
    case "limit":
      return `ralph run ${task} -i 20`;
    case "stopped":
    case "checkpointed":
      return `ralph run ${task}`;
    case "completed":
    case "blocked":
    case "failed":
    case "stagnated":
      return run.recorded ? `ralph show ${task}` : `ralph check ${task}`;
  }
}
