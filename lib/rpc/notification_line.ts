import type { RpcNotifications } from "./protocol.ts";

/**
 * Writes a notification as a line of the protocol.
 *
 * @param type Its type.
 * @param data Its data.
 * @param timestamp When it happened, ISO 8601 in UTC.
 * @returns The line, with its end.
 */
export function notificationLine<Type extends keyof RpcNotifications>(
  type: Type,
  data: RpcNotifications[Type],
  timestamp: string,
): string {
  const params = { type, timestamp, data };
  return `${JSON.stringify({ jsonrpc: "2.0", method: "event", params })}\n`;
}
