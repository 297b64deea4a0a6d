/**
 * The template of prompts for tasks that bring none of their own. See
 * {@linkcode renderTemplate} for its placeholders.
 */
export const BUILT_IN_PROMPT = `# How to work

You are one run in a loop. Your context is new: git, {PRD_FILE} and {PROGRESS_FILE} are all that is
remembered from earlier runs, and all that later runs will know of yours. Nobody can answer questions.

Work on one story only. It is chosen already:

{STORY}

## Steps

1. Read {PROGRESS_FILE}, "Codebase Patterns" first, and look at \`git log\` and \`git status\`. If an
   earlier run has left work on this story unfinished, go on from there.
2. Check that you are on branch \`{BRANCH_NAME}\`. If not, check it out before you change anything.
3. Implement the story, completely and no more than it. Follow the conventions of the code around it.
4. Run what this project uses to check itself: types, linter, tests, build. Mend what you broke. Prove
   each acceptance criterion by running something, not by reading code.
5. In {PRD_FILE}, set \`passes\` to true for each criterion that holds (a criterion that is a plain
   string has nothing to set: leave it). When all hold and the checks succeed, mark the story as done:
   \`"passes": true\`, or \`"status": "done"\` if its stories have a status and no \`passes\`. Edit only
   this story, and change nothing else about the file.
6. Append to {PROGRESS_FILE}, and leave its other entries as they are:

       ## YYYY-MM-DD HH:MM - {STORY_ID}
       - What was implemented
       - Files changed
       - **Learnings for future iterations:**
         - What a later run should know: patterns, pitfalls, where things are
       ---

   What is true of the whole code base belongs in the section \`## Codebase Patterns\` of that file (make
   it below the header if there is none): one bullet each, general, no repetition, wrong ones corrected.
7. Commit everything, {PRD_FILE} and {PROGRESS_FILE} included (unless git ignores them):
   \`feat: {STORY_ID} - {STORY_TITLE}\`

## Rules

- Never mark what does not hold. The marks are checked; a story that is open is no failure.
- If you cannot finish, leave the story open, append what you found and what is missing, and commit
  what works.
- Never skip, weaken or delete a check or a test to get it to succeed.
- Do not begin another story, push, switch branches or rewrite history.
- When every story of {PRD_FILE} is done, and only then, end your answer with:
  <promise>COMPLETE</promise>
`;
