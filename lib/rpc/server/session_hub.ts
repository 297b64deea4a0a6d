import { setImmediate } from "node:timers/promises";
import type { NumberedEvent } from "../../event/numbered_event.ts";
import { readSessionLog } from "../../session/log/read_session_log.ts";
import type { Session } from "../../session/model/session.ts";
import type { EventRing } from "./event_ring.ts";
import type { LoopStatus } from "./loop_status.ts";
import type { ScreenFeed } from "./screen_feed.ts";
import type { AgentTerminal } from "../../agent/agent_terminal.ts";
import type { LoopControl } from "../../loop/loop_control.ts";

/** What is known of a session to those who serve it. */
export type ServedSession = Pick<
  Session,
  "id" | "task" | "taskDir" | "root" | "agent" | "startedAt"
>;

/** Options for {@linkcode SessionHub.readEvents}. */
export interface ReadEventsOptions {
  /** The number of the last event that is known. */
  since: number;
  /** Events at most. */
  limit: number;
}

/** An answer with events is not to grow beyond this, in characters. */
const MAX_ANSWER_CHARS = 4 * 1024 * 1024;

/** What all connections of a server share: the session, its events, and the way to its loop. */
export interface SessionHub {
  /** The session. */
  readonly session: ServedSession;
  /** How commands reach the loop. */
  readonly control: SessionControl;
  /** The state of the loop. */
  readonly status: LoopStatus;
  /** The last events. */
  readonly ring: EventRing;
  /** The terminal of the agent. */
  readonly screen: ScreenFeed;
  /**
   * Reads events that have happened, from the ring or from the log.
   *
   * @param options Which ones.
   * @returns The events, and whether there are more.
   */
  readEvents(options: ReadEventsOptions): Promise<{ events: NumberedEvent[]; more: boolean }>;
  /**
   * Reads the log of the session.
   *
   * @param since The number of the last event that is known.
   * @param signal Ends the reading.
   * @returns The events that are in the log by now.
   */
  readLog(since: number, signal?: AbortSignal): AsyncIterable<NumberedEvent>;
  /** Tells everybody now what happened since the last time. */
  flush(): void;
  /** Waits for leave to do a piece of work that can wait: one connection does one at a time. */
  turn(): Promise<void>;
}

/**
 * Puts together what the connections of a server share.
 *
 * @param parts What there is of it already.
 * @param options Where the log of the session is.
 * @returns The hub.
 */
export function createHub(
  parts: Omit<SessionHub, "readEvents" | "readLog" | "turn">,
  { dir }: { dir: string },
): SessionHub {
  const { ring } = parts;
  const readLog = (since: number, signal?: AbortSignal) =>
    readSessionLog(dir, { since, ...(signal === undefined ? {} : { signal }) });
  let last: Promise<void> = Promise.resolve();
  return {
    ...parts,
    readLog,
    // Between two turns whatever else the process has to do is done, the loop above all.
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

/** What clients may do to a loop: a {@linkcode LoopControl}, or what stands for one. */
export interface SessionControl
  extends Pick<LoopControl, "requestStop" | "requestCheckpoint" | "retryNow" | "injectPrompt"> {
  /** Whether a person works with the agent. */
  readonly interactive: boolean;
  /** The terminal of the agent that runs; `undefined` while there is none. */
  readonly terminal: AgentTerminal | undefined;
  /**
   * Says whether a person works with the agent.
   *
   * @param enabled Whether one does.
   */
  setInteractive(enabled: boolean): void;
}
