import type { LoopEvent } from "./loop_event.ts";

/** An event with its number in the session, from 1 without a gap. */
export interface NumberedEvent {
  /** Its number. */
  seq: number;
  /** The event. */
  event: LoopEvent;
}

/**
 * Writes an event as one line of `events.ndjson`: the event with `seq` as its first key.
 *
 * @returns The line, with its end.
 */
export function eventLine({ seq, event }: NumberedEvent): string {
  return `{"seq":${seq},${JSON.stringify(event).slice(1)}\n`;
}

/**
 * Reads a line of `events.ndjson`.
 *
 * @returns The event; `undefined` if the line is not an event.
 */
export function parseEventLine(line: string): NumberedEvent | undefined {
  try {
    const { seq, ...event } = JSON.parse(line) as { seq?: unknown } & LoopEvent;
    if (typeof seq !== "number" || typeof event.type !== "string") return undefined;
    return { seq, event: event as LoopEvent };
  } catch {
    return undefined;
  }
}
