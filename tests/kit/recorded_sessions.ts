import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import type { IterationSummary, LoopEvent } from "../../lib/event/loop_event.ts";
import type { LoopOutcome } from "../../lib/event/vocabulary.ts";
import { openRegistry } from "../../lib/session/registry/open_registry.ts";
import { eventLine } from "../../lib/event/numbered_event.ts";
import { processIdentity } from "../../lib/base/process_identity.ts";
import type { NewSession, Session } from "../../lib/session/model/session.ts";
import type { EndedStatus } from "../../lib/event/vocabulary.ts";
import { sessionPaths } from "../../lib/session/model/session_paths.ts";
import type { RalphOptions } from "./ralph_process.ts";
import { tempDir } from "./testing.ts";

/** A registry with sessions, for tests of the commands that read them. */

const SECOND_MS = 1000;

/** A session for {@linkcode Recorded.add}: what is left out gets a default. */
export interface SessionInput extends Partial<NewSession> {
  /** How long ago it started, in seconds. @default {3600} */
  startedAgo?: number;
  /** How it ended; it runs if this is absent. */
  end?: { status: EndedStatus; reason: string; outcome?: LoopOutcome; ago: number };
  /** Its iterations; the last one goes on if it has no outcome. */
  iterations?: (Partial<IterationSummary> & { attempt?: number })[];
}

/** A home with a registry. */
export interface Recorded extends AsyncDisposable {
  /** How to call `ralph` there, outside of any repository. */
  options: RalphOptions;
  /** A folder beside the home. */
  path: string;
  /** Adds a session. One that runs has this process as its worker. */
  add(input?: SessionInput): Session;
  /** Reads a session. */
  get(id: string): Session | undefined;
  /** Writes the log of a session. */
  log(id: string, events: readonly LoopEvent[]): Promise<string>;
}

/** Creates a home with an empty registry. */
export async function recorded(): Promise<Recorded> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await tempDir());
  const home = join(path, "home");
  await mkdir(home);
  const paths = sessionPaths({ HOME: home });
  let now = Date.now();
  const registry = stack.use(openRegistry({ path: paths.database, now: () => new Date(now) }));
  const add = (input: SessionInput = {}): Session => {
    const { startedAgo = 3600, end, iterations = [], ...session } = input;
    const before = Date.now();
    now = before - startedAgo * SECOND_MS;
    const task = session.task ?? "my-feature";
    const root = session.root ?? "/home/me/app";
    const taskDir = `${root}/tasks/${task}`;
    const worker = processIdentity(process.pid) ?? null;
    const { id } = registry.createSession({
      task,
      root,
      taskDir,
      agent: "claude",
      worker,
      stories: { done: 0, total: 11 },
      limits: { iterations: 50 },
      ...session,
    });
    iterations.forEach(({ attempt = 1, ...input }, index) => {
      const iteration = index + 1;
      const story = input.story ?? { id: "US-001", title: "Log in" };
      const agent = input.agent ?? session.agent ?? "claude";
      registry.beginIteration(id, { iteration, story, agent, attempt });
      if (input.outcome !== undefined) {
        registry.finishIteration(id, summary({ iteration, story, agent, ...input }));
      }
    });
    if (end !== undefined) {
      now = before - end.ago * SECOND_MS;
      const outcome = end.outcome === undefined ? {} : { outcome: end.outcome };
      registry.endSession(id, end.status, end.reason, outcome);
    }
    const found = registry.getSession(id);
    if (found === undefined) throw new Error("The session is gone");
    return found;
  };
  const log = async (id: string, events: readonly LoopEvent[]): Promise<string> => {
    const dir = join(paths.sessionsDir, id);
    await mkdir(dir, { recursive: true });
    const lines = events.map((event, index) => eventLine({ seq: index + 1, event }));
    await writeFile(join(dir, "events.ndjson"), lines.join(""));
    return dir;
  };
  const all = stack.move();
  return {
    options: { cwd: path, home },
    path,
    add,
    get: (id) => registry.getSession(id),
    log,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function summary(
  input: Partial<IterationSummary> & Pick<IterationSummary, "iteration" | "story" | "agent">,
): IterationSummary {
  return {
    outcome: "passed",
    ending: { kind: "ok" },
    stderrTail: [],
    denials: [],
    headBefore: null,
    headAfter: null,
    commits: 0,
    changed: true,
    passed: [],
    stories: { done: 1, total: 11 },
    durationMs: 400_000,
    ...input,
  };
}
