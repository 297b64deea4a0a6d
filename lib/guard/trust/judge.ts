import type { Prd } from "../../task/prd/prd.ts";
import type { Task } from "../../task/task.ts";
import { describeDifference, difference } from "./difference.ts";
import { contentOf, judgedPrd, type TrustedContent, withJudged } from "./trusted_content.ts";

/** What a {@linkcode Judge} makes of a PRD. */
export interface JudgeReview {
  /** The PRD with the checks and the other judging parts that a person has accepted. */
  prd: Prd;
  /** What was changed and does not count, in one line; only when that is new. */
  warning?: string | undefined;
}

/** Decides which checks, prompts and other rules count in a loop, whatever agents write. */
export interface Judge extends AsyncDisposable {
  /**
   * The template of the project's prompts as a person has accepted it; `undefined` if it brings
   * none. Valid after the first review.
   */
  readonly template: string | undefined;
  /** Replaces what judges in a PRD by what a person has accepted. */
  review(prd: Prd): Promise<JudgeReview>;
  /** Called before the last event of a loop: no agent writes any more. Again does nothing. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Keeps what judges as it is at the first review: for a loop without a record of what a person has
 * accepted.
 */
export function frozenJudge(task: Task): Judge {
  let accepted: TrustedContent | undefined;
  let reported = "";
  return {
    get template() {
      return accepted?.prompt?.text;
    },
    async review(prd) {
      const now = await contentOf(task, { settings: {}, prd: judgedPrd(prd) });
      accepted ??= now;
      const changes = describeDifference(difference(accepted, now));
      const isNews = changes !== reported && changes !== "";
      reported = changes;
      return {
        prd: withJudged(prd, accepted.prd),
        warning: isNews ? `${changes}: it does not count in this loop` : undefined,
      };
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
