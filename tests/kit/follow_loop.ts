import type { AgentEvent } from "../../lib/event/agent_event.ts";
import type { LoopEvent, LoopResult } from "../../lib/event/loop_event.ts";

/** A loop that runs in the background of a test, and whose events can be awaited. */

/** A loop that is being read. */
export interface FollowedLoop {
  /** The events so far. */
  events: LoopEvent[];
  /** How it ended. */
  result: Promise<LoopResult>;
  /** The first matching event, past or future. */
  once(is: (event: LoopEvent) => boolean): Promise<LoopEvent>;
}

/** Reads a loop to its end. */
export function followLoop(loop: AsyncGenerator<LoopEvent, LoopResult>): FollowedLoop {
  const events: LoopEvent[] = [];
  const waiting = new Set<(event: LoopEvent) => void>();
  const result = (async () => {
    for (;;) {
      const next = await loop.next();
      if (next.done) return next.value;
      events.push(next.value);
      for (const look of waiting) look(next.value);
    }
  })();
  return {
    events,
    result,
    async once(is) {
      const found = events.find(is);
      if (found) return found;
      const { promise, resolve } = Promise.withResolvers<LoopEvent>();
      const look = (event: LoopEvent) => is(event) ? resolve(event) : undefined;
      waiting.add(look);
      const over = result.then((): never => {
        throw new Error("The loop ended without the event that was waited for");
      });
      return await Promise.race([promise, over]).finally(() => waiting.delete(look));
    },
  };
}

/** A condition for events of the agent, from one for what the agent does. */
export function agentEvent(
  is: (event: AgentEvent) => boolean,
): (event: LoopEvent) => boolean {
  return (event) => event.type === "agent" && is(event.event);
}
