import type { Command } from "../../kit/command.ts";
import { endRunning } from "./stop.ts";

/** `ralph checkpoint`: ends a running session after its current iteration. */
export const command: Command = {
  usage: "[TASK|ID] [options]",
  description:
    "Ends a running session after its current iteration, and waits that long. ralph run\n" +
    "continues from there. TASK is optional if exactly one session is running.",
  operands: 1,
  examples: [["ralph checkpoint my-feature", "and wait until it has ended"]],
  options: [{ name: "json", help: "the session as one JSON object" }],
  run: (line, context) =>
    endRunning(line, context, {
      command: "ralph checkpoint",
      how: "checkpoint",
      waiting: "Waiting for the current iteration of",
    }),
};
