/** The variable by which the processes of a session are known: all of them inherit it. */
export const SESSION_VARIABLE = "RALPH_SESSION";
