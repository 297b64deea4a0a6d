import { ENDING_KINDS } from "../../event/vocabulary.ts";
import type { AgentEnding } from "../../event/agent_event.ts";

const KINDS: ReadonlySet<string> = new Set(ENDING_KINDS.filter((kind) => kind !== "ok"));

/**
 * The ending of an agent that an abort signal ended: the signal's reason if that is an
 * {@linkcode AgentEnding}, else `aborted`.
 *
 * @example Usage
 * ```ts
 * import { endingOfSignal } from "./ending_of_signal.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const signal = AbortSignal.abort({ kind: "stalled", message: "Silent for 10m" });
 * assertEquals(endingOfSignal(signal), { kind: "stalled", message: "Silent for 10m" });
 * ```
 *
 * @param signal The signal, which must be aborted.
 */
export function endingOfSignal(signal: AbortSignal): AgentEnding {
  const reason: unknown = signal.reason;
  if (isEnding(reason)) return reason;
  const isDefault = reason instanceof DOMException && reason.name === "AbortError";
  const words = reason instanceof Error && !isDefault ? `: ${reason.message}` : "";
  return { kind: "aborted", message: `Ended by request${words}` };
}

function isEnding(value: unknown): value is AgentEnding {
  return typeof value === "object" && value !== null && "kind" in value &&
    typeof value.kind === "string" && KINDS.has(value.kind) &&
    "message" in value && typeof value.message === "string";
}
