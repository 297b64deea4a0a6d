import { assertEquals } from "@std/assert";
import { once } from "node:events";
import { LoopControl } from "../../lib/loop/loop_control.ts";
import { watchControl, writeControl } from "../../lib/worker/control_file.ts";
import { tempDir } from "../kit/testing.ts";

/** Counts how often it was told to retry. */
class CountingControl extends LoopControl {
  retries = 0;

  override retryNow(): void {
    this.retries++;
    super.retryNow();
  }
}

Deno.test("watchControl() obeys each request once, also after a reason with umlauts", async () => {
  await using dir = await tempDir();
  const control = new CountingControl();
  // In UTF-8 it has so many more bytes than characters that a whole request fits in between.
  await writeControl(dir.path, { kind: "checkpoint", reason: "für später ".repeat(50) });
  await writeControl(dir.path, { kind: "retry" });
  const obeyed = once(control.wakeSignal, "abort");
  await using _watcher = await watchControl(dir.path, control);
  await obeyed;
  assertEquals(control.request, { kind: "checkpoint", reason: "für später ".repeat(50) });

  const stopped = once(control.stopSignal, "abort");
  await writeControl(dir.path, { kind: "stop", reason: "Schluß" });
  await stopped;
  assertEquals(control.request, { kind: "stop", reason: "Schluß" });
  assertEquals(control.retries, 1);
});
