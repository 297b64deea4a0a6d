import type { Session } from "../session/model/session.ts";

/**
 * Says why a session ended, where its status does not say it all: not for one that is
 * completed, or was stopped or checkpointed because somebody asked for it.
 *
 * @example Usage
 * ```ts
 * import { sessionReason } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const reason = sessionReason({
 *   status: "failed",
 *   endOutcome: null,
 *   endReason: "worker died",
 * });
 * assertEquals(reason, "worker died");
 * ```
 *
 * @param session The session.
 * @returns The reason; `undefined` if there is none to tell.
 */
export function sessionReason(
  session: Pick<Session, "status" | "endOutcome" | "endReason">,
): string | undefined {
  const { status, endOutcome, endReason } = session;
  const isPlain = status === "completed" ||
    (status !== "failed" && (endOutcome === null || endOutcome === status));
  return isPlain ? undefined : endReason ?? undefined;
}
