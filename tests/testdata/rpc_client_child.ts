/** Prints the number of each event of a session, a line each: `<socket> <since>`. */
import { writeSync } from "node:fs";
import process from "node:process";
import { connectSession } from "../../lib/rpc/client/connect_session.ts";

const [path = "", since = "0"] = process.argv.slice(2);
await using session = await connectSession(path);
for await (const { seq } of session.events({ since: Number(since) })) writeSync(1, `${seq}\n`);
