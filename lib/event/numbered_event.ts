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
 * @example Usage
 * ```ts
 * import { eventLine } from "@ralph/cli";
 *
 * const event = { time: "2026-11-20T18:02:11.000Z", type: "warning", message: "Low on disk" } as const;
 * console.assert(eventLine({ seq: 1, event }).startsWith('{"seq":1,'));
 * ```
 *
 * @returns The line, with its end.
 */
export function eventLine({ seq, event }: NumberedEvent): string {
  return `{"seq":${seq},${JSON.stringify(event).slice(1)}\n`;
}

/**
 * Reads a line of `events.ndjson`.
 *
 * @example Usage
 * ```ts
 * import { parseEventLine } from "@ralph/cli";
 *
 * const line = '{"seq":7,"time":"2026-11-20T18:02:11.000Z","type":"waited","cancelled":true}';
 * console.assert(parseEventLine(line)?.seq === 7);
 * console.assert(parseEventLine("half a li") === undefined);
 * ```
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
