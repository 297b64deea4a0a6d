/** Endings that a pattern can recognise. */
export type PatternEnding = "auth" | "rate_limit" | "overloaded" | "launch" | "error";

/** A regular expression over an agent's words that says how it ended. */
export interface EndingPattern {
  /** The ending that it stands for. */
  ending: PatternEnding;
  /** What to look for, without regard to case. */
  regex: RegExp;
  /**
   * Where to look: `error` is stderr and the error of a structured result, only of a run that
   * failed; `output` is the last 20 lines of stdout of any run, also of one that ended well.
   * @default {"error"}
   */
  source?: "error" | "output";
}

/**
 * What services and programs say when they refuse. Only ever held against an error
 * channel: an agent may well write such words in its summary.
 */
export const ENDING_PATTERNS: readonly EndingPattern[] = [
  {
    ending: "auth",
    regex:
      /invalid (?:api[- ]key|x-api-key|bearer token)|authentication[_ ](?:failed|error)|failed to authenticate|unauthori[sz]ed|\b401\b|not (?:logged|signed) in|please (?:log|sign) in|please run \/login|set an auth method|oauth token has expired|credit balance is too low|insufficient_quota/i,
  },
  {
    ending: "rate_limit",
    regex:
      /rate.?limit|usage limit|limit reached|(?:hit|reached|exceeded) your .{0,40}limit|quota (?:exceeded|exhausted)|exceeded your .{0,30}quota|exhausted your .{0,30}quota|too many requests|resource_exhausted|\b429\b/i,
  },
  {
    ending: "overloaded",
    regex:
      /overloaded|service unavailable|temporarily unavailable|bad gateway|gateway timeout|internal server error|\b(?:500|502|503|504|529)\b.{0,40}(?:error|unavailable|overloaded|gateway)|(?:status|error|http)[ :]{1,2}(?:500|502|503|504|529)\b/i,
  },
];
