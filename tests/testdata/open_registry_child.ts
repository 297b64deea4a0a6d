/** Opens the registry at the path that is its argument, for tests that kill it or start two. */
import process from "node:process";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";

process.stdin.once("data", () => {
  using _registry = openRegistry({ path: process.argv[2] ?? "", timeZone: "UTC" });
  process.stdout.write("done\n");
  process.stdin.destroy();
});
process.stdout.write("ready\n");
