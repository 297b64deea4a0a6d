import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { shellWord } from "../../../base/shell_word.ts";
import { findBranchProblem } from "../../../git/branch_name.ts";
import { findGitRoot } from "../../../git/find_git_root.ts";
import { TEMPLATE_CRITERION, TEMPLATE_DESCRIPTION } from "../../../task/prd/unfilled_story.ts";
import { parseTaskName } from "../../../task/task_name.ts";
import type { Command, CommandContext, CommandLine } from "../../kit/command.ts";
import { UsageError } from "../../kit/usage.ts";
import { jsonLine } from "../../kit/json_line.ts";

/** `ralph init`: creates a task folder with a prd.md to fill in. */
export const command: Command = {
  usage: "NAME [options]",
  description:
    "Creates tasks/NAME/ with a prd.md to fill in: a title, user stories, and what must be\n" +
    "true when each of them is done.",
  operands: 1,
  examples: [["ralph init my-feature", "then edit tasks/my-feature/prd.md"]],
  options: [
    { name: "title", short: "t", value: "TITLE", help: "the title (default: made from NAME)" },
    { name: "json", help: "one JSON object" },
  ],
  async run(line: CommandLine, context: CommandContext): Promise<number> {
    const [given] = line.operands;
    if (given === undefined) throw new UsageError("No name for the task", "ralph init my-feature");
    const reference = parseTaskName(given);
    if (reference.kind !== "name") {
      throw new UsageError(`Cannot create task "${given}": expected a name, not a path`);
    }
    const { name } = reference;
    const problem = findBranchProblem(`ralph/${name}`);
    if (problem !== undefined) {
      const better = name.replace(/[^\w-]+/g, "-").replace(/^-+|-+$/g, "");
      throw new UsageError(
        `Cannot make task "${name}": no branch can be called "ralph/${name}", as it ${problem}`,
        better === "" ? "ralph init my-feature" : `ralph init ${better}`,
      );
    }
    const { cwd, stdout } = context;
    const root = await findGitRoot(cwd);
    const dir = join(root, "tasks", name);
    const file = join(dir, "prd.md");
    await mkdir(dir, { recursive: true });
    try {
      await writeFile(file, template(line.value("title") ?? titleOf(name)), { flag: "wx" });
    } catch (error) {
      if ((error as { code?: string }).code !== "EEXIST") throw error;
      throw new UsageError(`Cannot create task "${name}": ${file} already exists`);
    }
    stdout.write(
      line.has("json")
        ? jsonLine({ task: name, dir, file })
        : `${relative(cwd, file)}: fill it in\nnext: ralph convert ${shellWord(name)}\n`,
    );
    return 0;
  },
};

function titleOf(name: string): string {
  const words = name.replace(/[-_.]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function template(title: string): string {
  return `# PRD: ${title}

## Type
Feature

## Introduction

What is to be built, for whom, and why.

## Goals

- What is better when it is done

## User Stories

### US-001: The first small piece
**Description:** ${TEMPLATE_DESCRIPTION}

**Acceptance Criteria:**
- [ ] ${TEMPLATE_CRITERION}
- [ ] Tests pass

### US-002: The next one
**Description:** ${TEMPLATE_DESCRIPTION}

**Acceptance Criteria:**
- [ ] ${TEMPLATE_CRITERION}
- [ ] Tests pass

## Non-Goals

- What is left out on purpose

## Merge Target

None - leave as standalone branch.
`;
}
