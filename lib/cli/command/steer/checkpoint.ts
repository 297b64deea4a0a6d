import type { Command } from "../../kit/command.ts";
import { endRunning } from "./stop.ts";

/** `ralph checkpoint`: ends a running session after its current iteration. */
export const command: Command = {
  usage: "[TASK] [options]",
  description:
    "Ends a running session after its current iteration, which may take as long as that\n" +
    "one does. ralph run goes on from there. TASK may be left out when exactly one session runs.",
  operands: 1,
  examples: [["ralph checkpoint my-feature", "and wait until it is so"]],
  options: [{ name: "json", help: "the session as one JSON object" }],
  run: (line, context) =>
    endRunning(line, context, {
      command: "ralph checkpoint",
      how: "checkpoint",
      waiting: "Waiting for the current iteration of",
    }),
};
