/** What git and the system need to run it; everything else may be a secret. */
const PASSED_ON = [
  /^(?:PATH|HOME|USER|LOGNAME|SHELL|LANG|LC_\w+|TZ|TMPDIR|DEVELOPER_DIR|LD_LIBRARY_PATH)$/,
  /^XDG_\w+$/,
  /^GIT_(?:AUTHOR|COMMITTER)_(?:NAME|EMAIL|DATE)$/,
  /^GIT_CONFIG_(?:GLOBAL|SYSTEM|NOSYSTEM|COUNT|KEY_\d+|VALUE_\d+)$/,
  /^GIT_(?:EXEC_PATH|TEMPLATE_DIR|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM)$/,
  // Windows.
  /^(?:SYSTEMROOT|WINDIR|COMSPEC|PATHEXT|TEMP|TMP|USERPROFILE|HOMEDRIVE|HOMEPATH|(?:LOCAL)?APPDATA|PROGRAM\w+)$/i,
];

const TRANSFERS = new Set(["clone", "fetch", "pull", "push"]);

/** Options for {@linkcode gitEnvironment}. */
export interface GitEnvironmentOptions {
  /** `clone` and the like name where to fetch from; `switch` may fetch in a partial clone. */
  command: string;
}

/**
 * Builds the environment of git from that of a process: what it needs, and not the passwords and
 * keys of ralph and the agents. Variables that a git hook sets are left out too: they would take
 * precedence over the folder that git runs in. Nothing prompts, edits or pages.
 */
export function gitEnvironment(
  env: Record<string, string | undefined>,
  options: GitEnvironmentOptions,
): Record<string, string> {
  const { command } = options;
  const fetches = TRANSFERS.has(command) || command === "switch";
  const result: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const isNeeded = PASSED_ON.some((pattern) => pattern.test(name)) ||
      (fetches && name === "SSH_AUTH_SOCK");
    if (value !== undefined && isNeeded) result[name] = value;
  }
  return {
    ...result,
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_EDITOR: "true",
    GIT_SEQUENCE_EDITOR: "true",
    GIT_PAGER: "cat",
    // An empty one hides the program that the repository's config names.
    GIT_ASKPASS: "",
    GIT_PROXY_COMMAND: "",
    // Any command of a partial clone fetches what is missing. From "file" and "ext" it would run the
    // program that the repository's config names, on this machine.
    GIT_ALLOW_PROTOCOL: `git:http:https:ssh${TRANSFERS.has(command) ? ":file" : ""}`,
  };
}
