import type { LoopEvent } from "../loop/loop_event.ts";
import { LiveView } from "../ui/live_view.ts";
import { plainLines } from "../ui/plain_line.ts";
import { supportsColor } from "../ui/style.ts";
import type { CommandContext } from "./command.ts";

/** Something that takes each event of a loop; dispose of it when the loop is over. */
export interface EventOutput extends AsyncDisposable {
  /** Takes one event. */
  write(event: LoopEvent): void;
}

/** Options for {@linkcode eventOutput}. */
export interface EventOutputOptions {
  /** One JSON object a line instead of something for people. @default {false} */
  json?: boolean;
  /** Keys to name below the live view. @default {none} */
  keys?: { key: string; label: string }[];
}

/**
 * Makes what shows a loop: the live view on a terminal, plain lines elsewhere, or
 * one event a line as JSON.
 *
 * @param context The world.
 * @param options Additional options.
 * @returns The output.
 */
export function eventOutput(
  context: CommandContext,
  options: EventOutputOptions = {},
): EventOutput {
  const { stdout, env } = context;
  if (options.json) return lineOutput((event) => stdout.write(`${JSON.stringify(event)}\n`));
  if (stdout.isTTY) {
    const color = supportsColor({ env, isTTY: true });
    return new LiveView(stdout, { color, ...(options.keys ? { keys: options.keys } : {}) });
  }
  return lineOutput((event) => {
    for (const line of plainLines(event)) stdout.write(`${line}\n`);
  });
}

function lineOutput(write: (event: LoopEvent) => void): EventOutput {
  return { write, [Symbol.asyncDispose]: () => Promise.resolve() };
}
