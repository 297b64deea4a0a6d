import { assertEquals } from "@std/assert";
import { chooseStory } from "../../lib/loop/decide/choose_story.ts";
import { parsePrd } from "../../lib/task/prd/parse_prd.ts";

function choose(stories: unknown[], excluded?: Map<string, string>): unknown {
  const choice = chooseStory(
    parsePrd(JSON.stringify({ userStories: stories })),
    excluded === undefined ? {} : { excluded },
  );
  return choice.kind === "run" ? choice.story.id : choice;
}

Deno.test("chooseStory() takes the lowest priority, and the file's order on a tie", () => {
  assertEquals(choose([{ id: "a", priority: 2 }, { id: "b", priority: 1 }]), "b");
  assertEquals(choose([{ id: "a", priority: 1 }, { id: "b", priority: 1 }]), "a");
  assertEquals(choose([{ id: "a" }, { id: "b", priority: 1.5 }, { id: "c", priority: 2 }]), "b");
});

Deno.test("chooseStory() waits for dependencies", () => {
  assertEquals(choose([{ id: "a", blockedBy: ["b"] }, { id: "b" }]), "b");
  assertEquals(choose([{ id: "a", dependsOn: ["b"] }, { id: "b", passes: true }]), "a");
});

Deno.test("chooseStory() says which stories wait for which", () => {
  assertEquals(
    choose([
      { id: "a", title: "A", dependsOn: ["b"] },
      { id: "b", title: "B", dependsOn: ["a"] },
      { id: "c", title: "C", dependsOn: ["nowhere"] },
      {
        id: "d",
        title: "D",
        type: "decision-gate",
        decisionConfig: { slug: "db", inputFile: "decisions/db.md", status: "pending" },
      },
    ]),
    {
      kind: "blocked",
      blocked: [
        { id: "a", title: "A", reason: "needs b" },
        { id: "b", title: "B", reason: "needs a" },
        { id: "c", title: "C", reason: "needs nowhere (not in prd.json)" },
        { id: "d", title: "D", reason: "waits for a decision in decisions/db.md" },
      ],
    },
  );
});

Deno.test("chooseStory() skips excluded stories", () => {
  const excluded = new Map([["a", "reopened 3 times"]]);
  assertEquals(choose([{ id: "a" }, { id: "b" }], excluded), "b");
});

Deno.test("chooseStory() is completed only when there are stories and all pass", () => {
  assertEquals(choose([{ id: "a", passes: true }]), { kind: "completed" });
  assertEquals(choose([]), { kind: "blocked", blocked: [] });
});
