/**
 * Connects a number of clients to a session, all of which read its events but one, which reads
 * nothing: `<socket> <clients>`. Prints a line when all are connected, and ends with the session.
 *
 * @module
 */
import { connect } from "node:net";
import { once } from "node:events";
import process from "node:process";
import { connectSession } from "../../lib/rpc/client/connect_session.ts";

const [path = "", count = "0"] = process.argv.slice(2);
const stuck = connect(path);
await once(stuck, "connect");
const params = { events: ["*", "event", "screen"], since: 0 };
stuck.write(`${JSON.stringify({ jsonrpc: "2.0", id: 1, method: "subscribe", params })}\n`);
stuck.on("error", () => {});
const readers = await Promise.all(
  Array.from({ length: Number(count) - 1 }, async () => {
    const session = await connectSession(path);
    await session.subscribe(["*", "screen"], () => {});
    return session;
  }),
);
process.stdout.write("connected\n");
await Promise.all(readers.map(async (session) => {
  let last = 0;
  for await (const { seq } of session.events()) {
    if (seq !== ++last) throw new RangeError(`Expected event ${last}, got ${seq}`);
  }
}));
process.exit(0);
