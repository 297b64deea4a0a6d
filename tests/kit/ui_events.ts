import type { AgentEvent } from "../../lib/event/agent_event.ts";
import type { LoopEvent, LoopEventBody, LoopResult } from "../../lib/event/loop_event.ts";
import { reduceView } from "../../lib/ui/live/reduce_view.ts";
import { initialView, type ViewState } from "../../lib/ui/live/view_state.ts";

/** The moment at which the sample run starts. */
export const START = Date.UTC(2026, 10, 20, 18, 2, 11);

/** An event, seconds after the start of the sample run. */
export function event(seconds: number, body: LoopEventBody): LoopEvent {
  return { time: new Date(START + seconds * 1000).toISOString(), ...body };
}

/** The view of a loop after these events. */
export function viewOf(events: Iterable<LoopEvent>): ViewState {
  let state = initialView();
  for (const one of events) state = reduceView(state, one);
  return state;
}

/** What an agent does in an iteration. */
export function agentEvent(seconds: number, iteration: number, did: AgentEvent): LoopEvent {
  return event(seconds, { type: "agent", iteration, event: did });
}

const TITLES = [
  "Fix attach status corruption",
  "Fix status display for dead servers",
  "Read the port from the configuration",
  "Start the server on demand",
  "Health check with a time limit",
  "Pass directory parameter to server",
  "Update attach for global server",
  "Remove the per-task servers",
  "Migrate old sessions",
  "Document the server",
  "Clean up stale sockets",
];

/** The id of the n-th story of the sample run, from 1. */
export function id(n: number): string {
  return `US-${String(n).padStart(3, "0")}`;
}

/** The n-th story of the sample run, from 1. */
export function story(n: number): { id: string; title: string } {
  return { id: id(n), title: TITLES[n - 1] ?? id(n) };
}

/** The start of the sample run: 11 stories, of which the 7th and 8th wait for the one before. */
export function started(checks = 1): LoopEvent {
  return event(0, {
    type: "loop_started",
    task: "my-feature",
    taskDir: "/repo/tasks/my-feature",
    root: "/repo",
    branch: "ralph/my-feature",
    agent: "claude",
    limits: { iterations: 50 },
    stories: { done: 0, total: 11 },
    verifies: checks > 0,
    checks,
    list: TITLES.map((title, index) => ({
      id: id(index + 1),
      title,
      passes: false,
      dependsOn: index === 6 || index === 7 ? [id(index)] : [],
    })),
  });
}

/** The start of an iteration of the sample run. */
export function iterationStarted(seconds: number, n: number, agent = "claude"): LoopEvent {
  return event(seconds, {
    type: "iteration_started",
    iteration: n,
    story: story(n),
    agent,
    head: null,
    attempt: 1,
  });
}

/** What may differ in the end of an iteration. */
export type Finish = Partial<Extract<LoopEventBody, { type: "iteration_finished" }>>;

/** The end of an iteration of the sample run, in which its story passes unless said otherwise. */
export function iterationFinished(seconds: number, n: number, more: Finish = {}): LoopEvent {
  return event(seconds, {
    type: "iteration_finished",
    iteration: n,
    story: story(n),
    agent: "claude",
    outcome: "passed",
    ending: { kind: "ok" },
    stderrTail: [],
    denials: [],
    headBefore: "0".repeat(40),
    headAfter: `${n}f2a91c`.padEnd(40, "0"),
    commits: 1,
    changed: true,
    passed: (more.outcome ?? "passed") === "passed" ? [id(n)] : [],
    stories: { done: n, total: 11 },
    durationMs: 400_000,
    usage: {
      inputTokens: 1000,
      outputTokens: 200,
      cacheReadTokens: 50_000,
      cacheWriteTokens: 45,
      costUsd: 0.248,
    },
    failuresInRow: 0,
    ...more,
  });
}

/** The sample run in the middle of its sixth story, half an hour after its start. */
export function midRun(): LoopEvent[] {
  const events = [started()];
  for (let n = 1; n <= 5; n++) {
    events.push(iterationStarted((n - 1) * 300, n), iterationFinished(n * 300 - 5, n));
  }
  events.push(
    event(1332, {
      type: "failed_over",
      iteration: 5,
      story: story(6),
      from: "claude",
      to: "opencode",
      failuresInRow: 1,
      reason: "usage limit, resets 20:00",
    }),
    iterationStarted(1721, 6, "opencode"),
    agentEvent(1730, 6, { kind: "tool", tool: "read", detail: "lib/opencode/client.ts" }),
    agentEvent(1800, 6, { kind: "tool", tool: "bash", detail: "deno test tests/client_test.ts" }),
    agentEvent(1810, 6, {
      kind: "tool_result",
      failed: false,
      detail: "\x1b[32mok\x1b[0m | 14 passed | 0 failed (1s)",
    }),
  );
  return events;
}

/** The time at which {@linkcode midRun} is looked at. */
export const MID = START + 1872_000;

/** The result of a loop that completed, or what is given. */
export function loopResult(more: Partial<LoopResult> = {}): LoopResult {
  return {
    outcome: "completed",
    reason: "every story passes",
    details: [],
    iterations: 14,
    stories: { done: 11, total: 11 },
    open: [],
    branch: "ralph/my-feature",
    commits: 14,
    filesChanged: 61,
    agents: { claude: 9, opencode: 5 },
    failovers: 1,
    durationMs: 9_060_000,
    usage: {
      inputTokens: 12_000,
      outputTokens: 58_100,
      cacheReadTokens: 9_300_000,
      cacheWriteTokens: 400_000,
      costUsd: 6.8,
    },
    ...more,
  };
}
