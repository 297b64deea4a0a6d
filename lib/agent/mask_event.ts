import type { AgentEvent } from "../event/agent_event.ts";
import { maskSecrets } from "../base/mask_secrets.ts";

/**
 * Replaces every secret in the words of an event by `***`.
 *
 * @example Usage
 * ```ts
 * import { maskEvent } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const event = maskEvent({ kind: "text", text: "key sk-ant-12345" }, ["sk-ant-12345"]);
 * assertEquals(event, { kind: "text", text: "key ***" });
 * ```
 *
 * @param event The event.
 * @param secrets What to hide, longest first.
 * @returns An event without the secrets.
 */
export function maskEvent(event: AgentEvent, secrets: string[]): AgentEvent {
  const mask = (text: string) => maskSecrets(text, secrets);
  switch (event.kind) {
    case "text":
      return { ...event, text: mask(event.text) };
    case "tool":
    case "tool_result":
      return { ...event, detail: mask(event.detail) };
    case "denial":
      return { ...event, denial: { ...event.denial, detail: mask(event.denial.detail) } };
    case "error":
      return { ...event, message: mask(event.message) };
    case "output":
      return { ...event, line: mask(event.line) };
    case "process":
    case "session":
    case "server":
    case "usage":
      return event;
  }
}
