import type { Story } from "./prd.ts";

/** What the template of `ralph init` has where a person is to write what a story is about. */
export const TEMPLATE_DESCRIPTION = "As a user, I want something so that something else.";

/** What the template of `ralph init` has where a person is to write when a story is done. */
export const TEMPLATE_CRITERION = "Something that can be checked";

/** What to do about a story of the template. */
export const UNFILLED_HINT =
  "say what is wanted and when it is done in prd.md, then run ralph convert; or edit prd.json";

/**
 * Says whether a story still is the one of the template: an agent would make something up.
 *
 * @returns Whether its description or a criterion is the template's.
 */
export function isUnfilled({ description, criteria }: Story): boolean {
  return description.trim() === TEMPLATE_DESCRIPTION ||
    criteria.some((each) => each.description.trim() === TEMPLATE_CRITERION);
}

/** Says what is wrong with a story of the template, in the same words wherever it is found. */
export function unfilledMessage({ id }: Story): string {
  return `Story "${id}" is still the one of the template`;
}
