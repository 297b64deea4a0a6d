/** Replaces the signal file by what Claude Code tells its hook: as a whole or not at all. */
const SIGNAL =
  'cat > "$RALPH_SIGNAL_FILE.$$" && mv -f "$RALPH_SIGNAL_FILE.$$" "$RALPH_SIGNAL_FILE"';

/** In the words of Claude Code itself, so that it is recognised as what it is. */
const REFUSAL = "Permission to use it has been denied: nobody is here to give it";

const DECISION = JSON.stringify({
  hookSpecificOutput: {
    hookEventName: "PermissionRequest",
    decision: { behavior: "deny", message: REFUSAL },
  },
});

/** A question that nobody sees would be waited for without end; a person may answer it. */
const ANSWER =
  `cat > /dev/null; test -e "$RALPH_SIGNAL_FILE.interactive" || printf '%s' '${DECISION}'`;

/** The events of Claude Code that say where its turn stands. */
const EVENTS = ["SessionStart", "UserPromptSubmit", "Stop", "StopFailure"] as const;

/**
 * Makes the settings by which Claude Code says where its turn stands, in the file that
 * `RALPH_SIGNAL_FILE` names, and refuses what it would ask for while nobody is there. They are
 * added to the project's own.
 *
 * @returns The value of `--settings`.
 */
export function claudeHooks(): string {
  const call = (command: string) => [{ hooks: [{ type: "command", command }] }];
  const hooks: Record<string, unknown> = { PermissionRequest: call(ANSWER) };
  for (const event of EVENTS) hooks[event] = call(SIGNAL);
  return JSON.stringify({ hooks });
}
