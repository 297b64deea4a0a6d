/** What a run without checks says at its start and at its end: nobody but the agents has judged the work. */
export const NO_CHECKS = "no checks: the agents' own marks only";
