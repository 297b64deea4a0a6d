import process from "node:process";
import { probeProgram } from "../../agent/process/probe_program.ts";
import { findGitProblem, type PreflightProblem } from "../../loop/start/preflight.ts";
import { GitError, parseGitVersion, runGit } from "../../git/run_git.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import { VERSION } from "../../version.ts";
import type { DoctorContext } from "./doctor_check.ts";

/** The oldest versions that ralph is tested with. */
const OLDEST = { deno: [2, 9], node: [24, 0] } as const;

/**
 * The runtime and its version, compared with the tested versions.
 */
export function runtimeFinding(
  versions: { deno?: string | undefined; node?: string | undefined } = process.versions,
): DoctorFinding {
  const [name, version, [oldMajor, oldMinor]] = versions.deno === undefined
    ? ["Node", versions.node ?? "", OLDEST.node] as const
    : ["Deno", versions.deno, OLDEST.deno] as const;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const title = `ralph ${VERSION}`;
  if (major > oldMajor || (major === oldMajor && minor >= oldMinor)) {
    return { level: "ok", title, detail: `on ${name} ${version}` };
  }
  const detail = `on ${name} ${version}; it is tested with ${oldMajor}.${oldMinor} and newer`;
  return { level: "warning", title, detail, fix: `install a newer ${name}` };
}

/**
 * Checks git, the repository, and the author of commits.
 *
 * @returns A finding for each.
 */
export async function checkGit(context: DoctorContext): Promise<DoctorFinding[]> {
  const { cwd, env, root, signal } = context;
  const problem = await findGitProblem({ root, env, signal });
  if (problem?.what === "git") return [problemFinding(problem)];
  const git = { cwd: root ?? cwd, env, signal };
  const version = parseGitVersion(await runGit(["--version"], git))?.version;
  const found: DoctorFinding[] = [await identity(`git ${version}`, git)];
  if (problem !== undefined) found.push(problemFinding(problem));
  else if (root !== undefined) found.push({ level: "ok", title: "repository", detail: root });
  else {
    const detail = "none here; tasks live in a git repository";
    found.push({ level: "info", title: "repository", detail, fix: "git init" });
  }
  return found;
}

async function identity(
  title: string,
  git: { cwd: string; env: Record<string, string>; signal: AbortSignal },
): Promise<DoctorFinding> {
  try {
    const who = (await runGit(["var", "GIT_COMMITTER_IDENT"], git)).replace(/ \d+ \S+\s*$/, "");
    return { level: "ok", title, detail: `commits as ${who}` };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    return {
      level: "warning",
      title,
      detail: "it has no author for commits, so agents cannot commit",
      fix: 'git config --global user.name "Ann" && git config --global user.email ann@example.com',
    };
  }
}

/**
 * Checks for `gh`, which only pull requests need.
 */
export async function checkGh({ env, signal }: DoctorContext): Promise<DoctorFinding[]> {
  const found = await probeProgram("gh", { env, version: true, signal });
  if (!found.available) {
    const detail = "not installed; a task with a mergeTarget needs it to open a pull request";
    return [{ level: "info", title: "gh", detail, fix: "https://cli.github.com" }];
  }
  const title = found.version === undefined ? "gh" : `gh ${found.version}`;
  return [{ level: "ok", title, detail: `${found.path}, sign-in not checked` }];
}

/** Turns a preflight problem, which would block a run, into a finding. */
export function problemFinding({ what, found, wanted, hint }: PreflightProblem): DoctorFinding {
  return { level: "problem", title: what, detail: `${found}, expected ${wanted}`, fix: hint };
}
