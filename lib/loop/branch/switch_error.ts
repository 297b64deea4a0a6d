import { shellWord } from "../../base/shell_word.ts";
import { GitError } from "../../git/run_git.ts";

/** Thrown if git cannot switch to a branch, or cannot make it. */
export class SwitchError extends Error {
  /** The name of the class. */
  override name = "SwitchError";
  /** The branch that was wanted. */
  readonly branchName: string;
  /** How to fix it. */
  readonly hint: string;

  /** `reason` follows the name of the branch in the message. */
  constructor(branchName: string, details: { reason: string; hint: string; cause?: unknown }) {
    const { reason, hint, cause } = details;
    const message = `Cannot switch to branch "${branchName}": ${reason}`;
    super(message, cause === undefined ? {} : { cause });
    this.branchName = branchName;
    this.hint = hint;
  }
}

/** Thrown if uncommitted files prevent switching to a branch. */
export class DirtyTreeError extends SwitchError {
  /** The name of the class. */
  override name = "DirtyTreeError";
  /** The uncommitted files, by their paths from the root. */
  readonly files: string[];

  /** The message lists the first files. */
  constructor(
    branchName: string,
    details: { files: string[]; reason: string; hint: string; cause?: unknown },
  ) {
    const { files, reason } = details;
    super(branchName, { ...details, reason: `${reason}: ${nameFiles(files)}` });
    this.files = files;
  }
}

const MOST_FILES_IN_MESSAGE = 5;

/** Names the first of some files, and how many more there are. */
export function nameFiles(files: readonly string[]): string {
  const more = files.length - MOST_FILES_IN_MESSAGE;
  return files.slice(0, MOST_FILES_IN_MESSAGE).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** Puts what git said when it could not switch into words; other errors stay as they are. */
export function explainSwitchError(branchName: string, error: unknown): unknown {
  if (!(error instanceof GitError) || error.exitCode === null) return error;
  return overwriteError(branchName, error) ??
    new SwitchError(branchName, { ...reasonOf(branchName, error), cause: error });
}

/** If git refused to overwrite files, it lists them, one per line, after a tab. */
function overwriteError(branchName: string, error: GitError): DirtyTreeError | undefined {
  if (!/would be (overwritten|removed)/.test(error.stderr)) return undefined;
  const files = [...error.stderr.matchAll(/^\t(.+)$/gm)].map((match) => match[1] ?? "");
  if (files.length === 0) return undefined;
  const reason = "files that are not committed differ from those of the branch";
  const hint = `commit them first: git add ${files.map(shellWord).join(" ")} && git commit`;
  return new DirtyTreeError(branchName, { files, reason, hint, cause: error });
}

function reasonOf(branchName: string, { stderr }: GitError): { reason: string; hint: string } {
  // A newer git says "used by worktree".
  const elsewhere = /(?:checked out|used by worktree) at '(.+)'/.exec(stderr)?.[1];
  if (elsewhere !== undefined) {
    return {
      reason: `it is checked out in another work tree: "${elsewhere}"`,
      hint: `run ralph there: cd ${shellWord(elsewhere)}`,
    };
  }
  const another = "give the task another branchName in prd.json";
  if (stderr.includes("File name too long")) {
    return { reason: "its name is too long for the file system", hint: another };
  }
  const taken = /'refs\/heads\/([^']+)' exists/.exec(stderr)?.[1];
  if (taken !== undefined) {
    const reason = `there is a branch "${taken}", and one name cannot begin with the other`;
    return { reason, hint: another };
  }
  const said = stderr.split("\n").map((line) => line.trim()).find((line) => line !== "");
  return {
    reason: said?.replace(/^(fatal|error): /, "").replace(/\.$/, "") ?? "git gave no reason",
    hint: `look at it by hand: git status; git switch ${shellWord(branchName)}`,
  };
}
