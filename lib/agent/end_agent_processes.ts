import { endProcessGroup } from "./end_process_group.ts";
import { endMarkedProcesses, RUN_VARIABLE } from "./marked_processes.ts";

/** Options for {@linkcode endAgentProcesses}. */
export interface EndAgentProcessesOptions {
  /** The environment that it was started with: its mark is looked for. */
  env: Record<string, string>;
  /**
   * Whether to look at every process, and not only at those with a greater pid: numbers begin
   * anew when they are used up. @default {false}
   */
  thorough?: boolean;
  /** How long the processes may take to end after SIGTERM, in milliseconds. @default {5000} */
  graceMs?: number;
}

/**
 * Ends all that is left of an agent: its process group, and what it has put into groups of
 * their own.
 *
 * @param pid The agent's pid, which is also its process group.
 * @param options Additional options.
 * @returns Whether nothing is left.
 */
export async function endAgentProcesses(
  pid: number,
  options: EndAgentProcessesOptions,
): Promise<boolean> {
  const { env, graceMs = 5000, thorough = false } = options;
  const mark = env[RUN_VARIABLE];
  const [group, marked] = await Promise.all([
    endProcessGroup(pid, { graceMs }),
    mark === undefined || endMarkedProcesses(RUN_VARIABLE, mark, {
      abovePid: thorough ? 0 : pid,
      graceMs,
    }),
  ]);
  return group && marked;
}
