import type { SessionVerdict } from "./server/judge_session.ts";

/** Options for {@linkcode SessionPatience}. */
export interface SessionPatienceOptions {
  /** How long a person must be quiet before a session is over, in milliseconds. */
  quietMs: number;
}

/** The state is read at this interval even without events. */
const LOOK_MS = 30_000;
/** A session that looks abandoned is checked again after this time. */
const LOST_MS = 1_500;
/** How long a prompt may take until the server begins with it. */
const BEGIN_MS = 60_000;

/**
 * Decides when to check a session and when to trust the result. A session can look abandoned for a
 * moment, and a person who writes into it may write more. All times are in milliseconds of one
 * monotonic clock.
 */
export class SessionPatience {
  readonly #quietMs: number;
  /** Whether the server has begun with the prompt. */
  #begun = false;
  #promptedAt = 0;
  #lookAt = Infinity;
  #lostSince: number | undefined;
  #quietSince: number | undefined;
  /** Whether a person has interrupted it to send a message. */
  #held = false;
  /** Whether a person has taken it over. */
  #interactive = false;

  /** Starts with a session that has no prompt yet. */
  constructor(options: SessionPatienceOptions) {
    this.#quietMs = options.quietMs;
  }

  /** Whether it is time to check the session. */
  isDue(now: number): boolean {
    return now >= this.#lookAt;
  }

  /** A prompt was sent. */
  prompted(now: number): void {
    this.#promptedAt = now;
    this.#lookAt = now + LOOK_MS;
  }

  /** The session is working. */
  resumed(now: number): void {
    this.#begun = true;
    this.#held = false;
    this.#lostSince = undefined;
    this.#quietSince = undefined;
    this.#lookAt = now + LOOK_MS;
  }

  /** Something happened that may be its end. */
  stirred(): void {
    this.#lookAt = 0;
  }

  /** Events may have been missed: the prompt counts as begun. */
  reconnected(): void {
    this.#begun = true;
    this.#lookAt = 0;
  }

  /** The state could not be read. */
  failed(now: number): void {
    this.#lookAt = now + LOST_MS;
  }

  /** A person has interrupted it, and will send a message. */
  hold(): void {
    this.#held = true;
  }

  /** A person takes over the session or gives it back. */
  setInteractive(enabled: boolean): void {
    this.#interactive = enabled;
    if (!enabled) this.#held = false;
    this.#lookAt = 0;
  }

  /**
   * Judges the state that was read.
   *
   * @returns `over` if the verdict is final; `person` to wait for a person; else `wait`.
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
