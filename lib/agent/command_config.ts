/** How a command's run is recognised as a success. */
export interface CommandSuccess {
  /** Exit codes of a success. @default {[0]} */
  exit_codes?: number[];
  /** A regular expression that the last 20 lines of stdout must match as well. */
  output?: string;
}

/** A pattern of the config that says how an agent ended. */
export interface PatternConfig {
  /** The ending that it stands for. */
  ending: "auth" | "rate_limit" | "overloaded" | "launch" | "error";
  /** The regular expression, without regard to case. */
  regex: string;
  /**
   * `error`: stderr of a run that failed. `output`: the last 20 lines of stdout of any run.
   * @default {"error"}
   */
  source?: "error" | "output";
}

/** A table `[agents.NAME]` of the config: any program as an agent. */
export interface CommandConfig {
  /**
   * The program and its arguments. `{prompt}`, `{model}` and `{story}` (the story's id) are
   * replaced; an argument with `{model}` is left out when no model is asked for.
   */
  command: string[];
  /**
   * How it gets the prompt: on stdin, as an argument, or as the path of a temporary file. The
   * latter two take the place of `{prompt}`, or come last. @default {"stdin"}
   */
  prompt?: "stdin" | "argument" | "file";
  /** The option that names a model, such as `--model`; goes with the model to the end. */
  model_flag?: string;
  /** The model where the story and the PRD ask for none. @default {the program's own} */
  model?: string;
  /** Further arguments when it may do anything without asking. @default {[]} */
  yolo_args?: string[];
  /** Further arguments when it may not. @default {[]} */
  safe_args?: string[];
  /** Variables that are added to its environment. @default {{}} */
  env?: Record<string, string>;
  /** How a success is recognised. @default {exit code 0} */
  success?: CommandSuccess;
  /** Patterns that tell endings, tried before the built-in ones. @default {[]} */
  patterns?: PatternConfig[];
  /**
   * Arguments that make it print its version, which tells before a run whether it starts at all.
   * @default {it is not started just to see}
   */
  version_args?: string[];
  /**
   * Whether it runs in a PTY: its exit is its end, and the lines on its screen are its output. The
   * prompt has to be an argument or a file then. @default {false}
   */
  pty?: boolean;
}
