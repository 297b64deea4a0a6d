import type { SessionPaths } from "../../session/model/session_paths.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import type { RunOptions } from "../run/run_options.ts";

/** The facts that every check of `ralph doctor` gets. */
export interface DoctorContext {
  /** The folder that the command was called in. */
  cwd: string;
  /** The environment. */
  env: Record<string, string>;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** The root of the repository; absent outside of one. */
  root: string | undefined;
  /** How a run would go here; the error if the settings are invalid. */
  options: RunOptions | Error;
  /** Ends a check that takes too long. */
  signal: AbortSignal;
}

/** A check of `ralph doctor`. */
export interface DoctorCheck {
  /** What it checks; the title of its line if the check itself fails. */
  name: string;
  /** Checks, and changes nothing. */
  run(context: DoctorContext): Promise<DoctorFinding[]>;
}

/** Options for {@linkcode runDoctorChecks}. */
export interface RunDoctorChecksOptions {
  /** Time limit for each check, in milliseconds. @default {10_000} */
  limitMs?: number | undefined;
}

/**
 * Runs all checks at once, each with its own time limit. A check that throws or takes too long
 * becomes a warning and does not affect the others.
 *
 * @param context Everything but the signal.
 * @returns Their findings, in the order of the checks.
 */
export async function runDoctorChecks(
  checks: readonly DoctorCheck[],
  context: Omit<DoctorContext, "signal">,
  options: RunDoctorChecksOptions = {},
): Promise<DoctorFinding[]> {
  const { limitMs = 10_000 } = options;
  const findings = await Promise.all(checks.map(async ({ name, run }): Promise<DoctorFinding[]> => {
    const late = Promise.withResolvers<DoctorFinding[]>();
    const controller = new AbortController();
    const timer = setTimeout(() => {
      controller.abort();
      const detail = `no answer within ${limitMs / 1000} s`;
      late.resolve([{ level: "warning", title: name, detail }]);
    }, limitMs);
    try {
      const found = run({ ...context, signal: controller.signal });
      // Later results of the check are ignored.
      return await Promise.race([found, late.promise]);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      return controller.signal.aborted
        ? await late.promise
        : [{ level: "warning", title: name, detail }];
    } finally {
      clearTimeout(timer);
    }
  }));
  return findings.flat();
}
