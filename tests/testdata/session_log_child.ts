/** Adds events to the log in the folder that is its argument, and says which are safe. */
import { writeSync } from "node:fs";
import process from "node:process";
import { openSessionLog } from "../../lib/session/log/session_log.ts";

const log = await openSessionLog(process.argv[2] ?? "", { maxBytes: 20_000, maxFiles: 1000 });
for (;;) {
  const time = new Date().toISOString();
  const { seq } = log.append({ time, type: "warning", message: "x".repeat(100) });
  await log.flush();
  writeSync(1, `${seq}\n`);
}
