import { setImmediate } from "node:timers/promises";
import type { NumberedEvent } from "../../event/numbered_event.ts";
import { readSessionLog } from "../../session/log/read_session_log.ts";
import type { Session } from "../../session/model/session.ts";
import type { EventRing } from "./event_ring.ts";
import type { LoopStatus } from "./loop_status.ts";
import type { ScreenFeed } from "./screen_feed.ts";
import type { AgentTerminal } from "../../agent/agent_terminal.ts";
import type { LoopControl } from "../../loop/loop_control.ts";

/** The facts about a session that its server needs. */
export type ServedSession = Pick<
  Session,
  "id" | "task" | "taskDir" | "root" | "agent" | "startedAt"
>;

/** Options for {@linkcode SessionHub.readEvents}. */
export interface ReadEventsOptions {
  /** The number of the last known event. */
  since: number;
  /** Event limit. */
  limit: number;
}

/** Size limit of an answer with events, in characters. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;

/** What all connections of a server share: the session, its events, and the way to its loop. */
export interface SessionHub {
  /** The session. */
  readonly session: ServedSession;
  /** How commands reach the loop. */
  readonly control: SessionControl;
  /** The state of the loop. */
  readonly status: LoopStatus;
  /** The most recent events. */
  readonly ring: EventRing;
  /** The terminal of the agent. */
  readonly screen: ScreenFeed;
  /** Reads past events, from the ring or from the log, and says whether there are more. */
  readEvents(options: ReadEventsOptions): Promise<{ events: NumberedEvent[]; more: boolean }>;
  /** Reads the events after number `since` that are in the log by now. */
  readLog(since: number, signal?: AbortSignal): AsyncIterable<NumberedEvent>;
  /** Tells all connections now what happened since the last time. */
  flush(): void;
  /** Waits for a turn for work that is not urgent: one connection does one piece at a time. */
  turn(): Promise<void>;
}

/** Builds what the connections of a server share. */
export function createHub(
  parts: Omit<SessionHub, "readEvents" | "readLog" | "turn">,
  { dir }: { dir: string },
): SessionHub {
  const { ring } = parts;
  const readLog = (since: number, signal?: AbortSignal) => readSessionLog(dir, { since, signal });
  let last: Promise<void> = Promise.resolve();
  return {
    ...parts,
    readLog,
    // Between two turns the process does everything else, above all the loop.
    turn: () => last = last.then(() => setImmediate()),
    async readEvents({ since, limit }) {
      const events: NumberedEvent[] = [];
      let chars = 0;
      const take = (numbered: NumberedEvent): boolean => {
        events.push(numbered);
        chars += JSON.stringify(numbered).length;
        return events.length < limit && chars < MAX_ANSWER_CHARS;
      };
      if (ring.covers(since)) {
        for (let seq = since + 1; seq <= ring.last; seq++) {
          const numbered = ring.get(seq);
          if (numbered === undefined || !take(numbered)) break;
        }
      } else {
        for await (const numbered of readLog(since)) if (!take(numbered)) break;
      }
      return { events, more: (events.at(-1)?.seq ?? since) < ring.last };
    },
  };
}

/** What clients may do to a loop: a {@linkcode LoopControl}, or a stand-in for it. */
export interface SessionControl
  extends Pick<LoopControl, "requestStop" | "requestCheckpoint" | "retryNow" | "injectPrompt"> {
  /** Whether a person works with the agent. */
  readonly interactive: boolean;
  /** The terminal of the running agent; `undefined` while there is none. */
  readonly terminal: AgentTerminal | undefined;
  /** Sets whether a person works with the agent. */
  setInteractive(enabled: boolean): void;
}
