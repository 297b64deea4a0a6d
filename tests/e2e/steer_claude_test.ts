import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { createClaude } from "../../lib/agent/claude/claude.ts";
import { assertGone, testStart } from "../kit/agent_testing.ts";
import { tempDir, tempRepo } from "../kit/testing.ts";
import { claudeEnvironment, findClaude } from "./claude_testing.ts";
import { type ModelReply, type ModelRequest, scriptedModel } from "./scripted_model.ts";

const program = await findClaude();
const ignore = program === undefined;
const why = ignore ? " (skipped: no claude on PATH or in RALPH_TEST_CLAUDE)" : "";
const claude = createClaude({ ...(program && { program }) });

Deno.test({
  name: `headless claude changes course after a message during its turn${why}`,
  ignore,
  async fn() {
    // It keeps reading until it is asked to stop.
    const script = ({ body }: ModelRequest): ModelReply => {
      const text = JSON.stringify(body.messages);
      if (text.includes("stop reading")) return { kind: "text", text: "Stopped, as you said" };
      return { kind: "tool", tool: "Bash", input: { command: "sleep 0.5" }, text: "Reading" };
    };
    await using model = await scriptedModel(script);
    await using home = await tempDir();
    await using repo = await tempRepo();
    const env = claudeEnvironment(model.url, home.path);
    const run = claude.start(testStart({ cwd: repo.path, env, yolo: true }));
    const events = [];
    const pids = new Set<number>();
    let told = false;
    for await (const event of run.events) {
      events.push(event);
      if (event.kind === "process") pids.add(event.pid);
      if (event.kind !== "tool" || told) continue;
      told = true;
      assertEquals(await run.send({ kind: "message", text: "Please stop reading" }), true);
    }
    const { ending, usage, exitCode } = await run.result;
    assertEquals([ending, exitCode, pids.size], [{ kind: "ok" }, 0, 1]);
    const texts = events.flatMap((it) => it.kind === "text" ? [it.text] : []);
    assert(texts.includes("Stopped, as you said"), texts.join());
    assertEquals(events.filter(({ kind }) => kind === "session").length, 1);
    const answers = model.requests.filter(({ body }) => body.tools?.length).length;
    // The usage of all turns, not only of the last one.
    assertEquals(usage?.outputTokens, answers * 200);
    assertGreater(usage?.costUsd ?? 0, 0);
    await assertGone(events);
  },
});

Deno.test({
  name: `headless claude ends its turn on an interrupt, and goes on with a message${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel(({ body }) =>
      JSON.stringify(body.messages).includes("go on")
        ? { kind: "text", text: "Going on" }
        : { kind: "hang" }
    );
    await using home = await tempDir();
    await using repo = await tempRepo();
    const env = claudeEnvironment(model.url, home.path);
    const run = claude.start(testStart({ cwd: repo.path, env, yolo: true }));
    const startedAt = performance.now();
    const steered = model.hanging.then(async () => {
      assertEquals(await run.send({ kind: "interrupt" }), true);
      assertEquals(await run.send({ kind: "message", text: "go on" }), true);
    });
    const events = await Array.fromAsync(run.events);
    await steered;
    const { ending } = await run.result;
    assertEquals(ending, { kind: "ok" });
    assertLess(performance.now() - startedAt, 20_000);
    assertStringIncludes(JSON.stringify(events), "Going on");
    await assertGone(events);
  },
});

Deno.test({
  name: `headless claude that was interrupted ends when it is given back${why}`,
  ignore,
  async fn() {
    await using model = await scriptedModel([{ kind: "hang" }]);
    await using home = await tempDir();
    await using repo = await tempRepo();
    const env = claudeEnvironment(model.url, home.path);
    const run = claude.start(testStart({ cwd: repo.path, env, yolo: true }));
    run.setInteractive?.(true);
    const steered = model.hanging.then(async () => {
      await run.send({ kind: "interrupt" });
      run.setInteractive?.(false);
    });
    const events = await Array.fromAsync(run.events);
    await steered;
    // A person interrupted it: the agent has not failed.
    const message = "Interrupted by a person";
    assertEquals((await run.result).ending, { kind: "aborted", message });
    await assertGone(events);
  },
});
