import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { LiveView } from "../../lib/ui/live/live_view.ts";
import { renderView } from "../../lib/ui/live/render_view.ts";
import { FakeClock, FakeTerminal } from "../kit/fake_terminal.ts";
import {
  agentEvent,
  event,
  iterationFinished,
  iterationStarted,
  loopResult,
  midRun,
  START,
  started,
  viewOf,
} from "../kit/ui_events.ts";

function setUp(columns = 80, rows = 24, at = START) {
  const terminal = new FakeTerminal(columns, rows);
  const clock = new FakeClock(at);
  const { now, schedule } = clock;
  const view = new LiveView(terminal, { now, schedule, timeZone: "UTC" });
  return { terminal, clock, view };
}

const finish = event(1900, { type: "loop_finished", result: loopResult(), agent: "claude" });

Deno.test("LiveView shows the output of renderView() after many events", async () => {
  const { terminal, clock, view } = setUp();
  await using _ = view;
  terminal.write("$ ralph run\r\n");
  const events = midRun();
  for (const one of events) {
    view.write(one);
    clock.advance(137);
  }
  clock.advance(2000);
  const options = { columns: 80, rows: 23, now: clock.time, timeZone: "UTC" };
  assertEquals(terminal.text, ["$ ralph run", ...renderView(viewOf(events), options)]);
});

Deno.test("LiveView draws at most 20 frames a second, and the last state", async () => {
  const { terminal, clock, view } = setUp();
  await using _ = view;
  view.write(started());
  view.write(iterationStarted(0, 1));
  terminal.writes.length = 0;
  for (let i = 0; i < 1000; i++) {
    view.write(agentEvent(1, 1, { kind: "text", text: `line ${i}` }));
    clock.advance(1);
  }
  assert(terminal.writes.length <= 20, `${terminal.writes.length} frames in a second`);
  assertGreater(terminal.writes.length, 10);
  clock.advance(50);
  assert(terminal.text.includes("  │ line 999"));
});

Deno.test("LiveView rewrites only the line that changed", async () => {
  const { terminal, clock, view } = setUp();
  await using _ = view;
  view.write(started());
  terminal.writes.length = 0;
  clock.advance(1000);
  assertEquals(terminal.writes.length, 1);
  const written = terminal.writes.join("");
  assert(written.includes("   1s"), written);
  assert(!written.includes("US-001"), written);
});

Deno.test("LiveView ticks once a second while the loop runs, and has no timer otherwise", async () => {
  const { terminal, clock, view } = setUp();
  await using _ = view;
  assertEquals(clock.pending, 0);
  view.write(event(0, { type: "warning", message: "early" }));
  assertEquals(clock.pending, 0);
  clock.advance(50);
  view.write(started());
  assertEquals(clock.pending, 1);
  terminal.writes.length = 0;
  clock.advance(10_000);
  assertEquals(terminal.writes.length, 10);
  view.write(finish);
  clock.advance(50);
  assertEquals(clock.pending, 0);
});

Deno.test("LiveView writes nothing if there was no event", async () => {
  const { terminal, view } = setUp();
  await view[Symbol.asyncDispose]();
  assertEquals(terminal.writes, []);
  assertEquals(terminal.listeners, 0);
});

Deno.test("LiveView leaves the whole story list and the cursor behind", async () => {
  const { terminal, clock, view } = setUp(80, 8);
  for (const one of [...midRun(), iterationFinished(1880, 6), finish]) {
    view.write(one);
    clock.advance(60);
  }
  assertEquals(terminal.cursorVisible, false);
  assert(!terminal.text.some((line) => line.includes("US-001")));
  await view[Symbol.asyncDispose]();
  await view[Symbol.asyncDispose]();
  view.write(started());
  assertEquals(terminal.cursorVisible, true);
  assertEquals(terminal.listeners, 0);
  assertEquals(clock.pending, 0);
  const ids = terminal.text.flatMap((line) => /US-\d+(?= {2})/.exec(line)?.[0] ?? []);
  assertEquals(ids, Array.from({ length: 11 }, (_, i) => `US-${String(i + 1).padStart(3, "0")}`));
  terminal.write("next");
  assertEquals(terminal.text.at(-1), "next");
});

Deno.test("LiveView redraws after a resize without leaving pieces behind", async () => {
  const { terminal, clock, view } = setUp(100, 60);
  await using _ = view;
  terminal.write("$ ralph run\r\n");
  const events = midRun();
  for (const one of events) view.write(one);
  clock.advance(100);
  const sizes: [number, number][] = [[60, 60], [40, 60], [120, 60], [30, 90], [80, 60]];
  for (const [columns, rows] of sizes) {
    terminal.resize(columns, rows);
    clock.advance(100);
    const options = { columns, rows: rows - 1, now: clock.time, timeZone: "UTC" };
    assertEquals(terminal.text, ["$ ralph run", ...renderView(viewOf(events), options)]);
  }
});

Deno.test("LiveView fills a terminal that has become lower", async () => {
  const { terminal, clock, view } = setUp(80, 30);
  await using _ = view;
  const events = midRun();
  for (const one of events) view.write(one);
  clock.advance(100);
  terminal.resize(80, 10);
  clock.advance(100);
  const options = { columns: 80, rows: 9, now: clock.time, timeZone: "UTC" };
  assertEquals(terminal.text.slice(-9), renderView(viewOf(events), options));
});

Deno.test("LiveView misses frames while the terminal is stuck, and catches up", async () => {
  const { terminal, clock, view } = setUp();
  await using _ = view;
  terminal.ready = false;
  view.write(started());
  terminal.writes.length = 0;
  for (let n = 1; n <= 5; n++) {
    view.write(iterationFinished(n, n));
    clock.advance(1000);
  }
  assertEquals(terminal.writes.length, 0);
  assertEquals(clock.pending, 0);
  terminal.ready = true;
  terminal.emit("drain");
  assertEquals(terminal.writes.length, 1);
  assert(terminal.text.some((line) => line.includes("5 of 11 stories")));
});

Deno.test("LiveView throws on a stream that is not a terminal", () => {
  const stream = Object.assign(new FakeTerminal(80, 24), { isTTY: false });
  assertThrows(
    () => new LiveView(stream),
    TypeError,
    "Cannot draw a live view: the stream is not a terminal",
  );
});

Deno.test("LiveView draws with its own clock and timers", async () => {
  const terminal = new FakeTerminal(80, 24);
  const drawn = Promise.withResolvers<void>();
  await using view = new LiveView(terminal);
  view.write(started());
  const write = terminal.write.bind(terminal);
  terminal.write = (text) => {
    drawn.resolve();
    return write(text);
  };
  view.write(iterationStarted(0, 1));
  await drawn.promise;
  assert(terminal.text.some((line) => line.startsWith("▸ US-001")));
});
