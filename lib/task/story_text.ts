import type { Story } from "./prd.ts";

/**
 * Spells out a story for an agent: id and title, description, criteria and notes.
 *
 * @example Usage
 * ```ts
 * import { type Story, storyText } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const story: Story = {
 *   id: "US-001",
 *   title: "Add a button",
 *   description: "",
 *   criteria: [{ description: "It is green", passes: false }],
 *   priority: 1,
 *   passes: false,
 *   notes: "",
 *   dependsOn: [],
 *   blocks: [],
 *   path: ["userStories", 0],
 * };
 * assertEquals(storyText(story).split("\n").at(-1), "- [ ] It is green");
 * ```
 *
 * @param story The story.
 * @returns Markdown, without a line end at the end.
 */
export function storyText(story: Story): string {
  const { id, title, description, criteria, notes } = story;
  const parts = [title === "" || title === id ? `**${id}**` : `**${id}: ${title}**`];
  if (description.trim() !== "" && description !== title) parts.push(description.trim());
  if (criteria.length > 0) {
    const lines = criteria.map((each) => {
      // Further lines are indented, so that they stay part of their bullet.
      const text = each.description.trim().replaceAll("\n", "\n  ");
      return `- [${each.passes ? "x" : " "}] ${text}`;
    });
    parts.push(["Acceptance criteria:", "", ...lines].join("\n"));
  }
  if (notes.trim() !== "") parts.push(`Notes on this story:\n\n${notes.trim()}`);
  return parts.join("\n\n");
}
