import type { SessionVerdict } from "./server/judge_session.ts";

/** Options for {@linkcode SessionPatience}. */
export interface SessionPatienceOptions {
  /** How long a person has to be quiet before a session is over, in milliseconds. */
  quietMs: number;
}

/** The state is read every so often even if no event asks for it. */
const LOOK_MS = 30_000;
/** A session that looks abandoned is looked at again before it counts as such. */
const LOST_MS = 1_500;
/** How long a prompt may take until the server begins with it. */
const BEGIN_MS = 60_000;

/**
 * Decides when to look at a session and when to believe what is seen. A session can look
 * abandoned for a moment, and a person who writes into it has more to say. All times are in
 * milliseconds of one clock that never goes back.
 */
export class SessionPatience {
  readonly #quietMs: number;
  /** Whether the server has begun with the prompt. */
  #begun = false;
  #promptedAt = 0;
  #lookAt = Infinity;
  #lostSince: number | undefined;
  #quietSince: number | undefined;
  /** Whether a person has interrupted it to say something. */
  #held = false;
  /** Whether a person has taken it over. */
  #interactive = false;

  /**
   * Makes one for a session that has no prompt yet.
   *
   * @param options How patient it is.
   */
  constructor(options: SessionPatienceOptions) {
    this.#quietMs = options.quietMs;
  }

  /** Whether it is time to look at the session. */
  isDue(now: number): boolean {
    return now >= this.#lookAt;
  }

  /** A prompt was sent. */
  prompted(now: number): void {
    this.#promptedAt = now;
    this.#lookAt = now + LOOK_MS;
  }

  /** The session works. */
  resumed(now: number): void {
    this.#begun = true;
    this.#held = false;
    this.#lostSince = undefined;
    this.#quietSince = undefined;
    this.#lookAt = now + LOOK_MS;
  }

  /** Something has happened that may be its end. */
  stirred(): void {
    this.#lookAt = 0;
  }

  /** Events may have been missed: what was sent has long begun. */
  reconnected(): void {
    this.#begun = true;
    this.#lookAt = 0;
  }

  /** The state could not be read. */
  failed(now: number): void {
    this.#lookAt = now + LOST_MS;
  }

  /** A person has interrupted it, and will say something. */
  hold(): void {
    this.#held = true;
  }

  /** A person takes it over or gives it back. */
  setInteractive(enabled: boolean): void {
    this.#interactive = enabled;
    if (!enabled) this.#held = false;
    this.#lookAt = 0;
  }

  /**
   * Judges what was seen of the session.
   *
   * @param verdict What was seen.
   * @param now The time.
   * @returns `over` if the verdict is final; `person` if it is waited for a person; else `wait`.
   */
  judge(verdict: SessionVerdict, now: number): "over" | "person" | "wait" {
    this.#lookAt = now + LOOK_MS;
    if (verdict.kind === "working" || this.#held || this.#interactive) return "wait";
    if (verdict.kind === "lost") {
      this.#lostSince ??= now;
      this.#lookAt = now + LOST_MS;
      const isOver = this.#begun
        ? now - this.#lostSince >= LOST_MS
        : now - this.#promptedAt >= BEGIN_MS;
      return isOver ? "over" : "wait";
    }
    if (!verdict.person && verdict.kind !== "interrupted") return "over";
    this.#quietSince ??= now;
    if (now - this.#quietSince >= this.#quietMs) return "over";
    this.#lookAt = this.#quietSince + this.#quietMs;
    return "person";
  }
}
