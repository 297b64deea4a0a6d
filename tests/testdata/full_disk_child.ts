/**
 * Adds events to the log in the folder that is its argument until a file may not grow any more,
 * then one that still fits, and says what happened as JSON.
 */
import process from "node:process";
import type { LoopEvent } from "../../lib/event/loop_event.ts";
import { openSessionLog } from "../../lib/session/log/session_log.ts";

const warning = (message: string): LoopEvent => ({
  time: "2026-01-01T00:00:00.000Z",
  type: "warning",
  message,
});

await using log = await openSessionLog(process.argv[2] ?? "");
let refused: string | undefined;
for (let i = 0; i < 50 && refused === undefined; i++) {
  log.append(warning("x".repeat(1_000_000)));
  refused = await log.flush().then(() => undefined, (error) => error.message);
}
const { seq } = log.append(warning("small enough"));
await log.flush();
process.stdout.write(JSON.stringify({ refused, last: seq }));
