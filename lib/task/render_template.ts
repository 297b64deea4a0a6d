/** Options for {@linkcode renderTemplate}. */
export interface RenderTemplateOptions {
  /** The agent whose blocks are kept. */
  agent: string;
  /** What takes the place of each `{NAME}`. */
  values: Readonly<Record<string, string>>;
}

const BLOCK =
  /([ \t]*)<!--[ \t]*agent:([^\s>]+)[ \t]*-->([ \t]*\r?\n)?([\s\S]*?)<!--[ \t]*\/agent:\2[ \t]*-->([ \t]*\r?\n)?/g;

/**
 * Fills in the template of a prompt. Blocks
 * `<!-- agent:NAME --> ... <!-- /agent:NAME -->` are kept for the agent of that
 * name, and with the name `*` for all; then each `{NAME}` that has a value is
 * replaced. Unknown placeholders stay, and values are taken as they are: what
 * looks like a placeholder or a block in one is not touched.
 *
 * @example Usage
 * ```ts
 * import { renderTemplate } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const template = "{STORY_ID} by {AGENT}<!-- agent:claude --> on {BRANCH_NAME}<!-- /agent:claude -->";
 * const values = { STORY_ID: "US-001", AGENT: "demo" };
 * assertEquals(renderTemplate(template, { agent: "demo", values }), "US-001 by demo");
 * ```
 *
 * @param template The text of the template.
 * @param options The agent and the values.
 * @returns The text.
 */
export function renderTemplate(template: string, options: RenderTemplateOptions): string {
  const { agent, values } = options;
  return keepBlocks(template, agent).replace(
    /\{([A-Z][A-Z0-9_]*)\}/g,
    (placeholder, name: string) => Object.hasOwn(values, name) ? values[name] ?? "" : placeholder,
  );
}

function keepBlocks(text: string, agent: string): string {
  return text.replace(BLOCK, (...match) => {
    const [, indent, name, lineEnd = "", body, lastLineEnd = "", offset] = match as Block;
    const kept = name === agent || name === "*" ? keepBlocks(body, agent) : "";
    // A mark on a line of its own takes the line with it, one within a line only itself.
    const opensLine = lineEnd !== "" && (offset === 0 || text[offset - 1] === "\n");
    const closesLine = /(^|\n)[ \t]*$/.test(body);
    if (opensLine && closesLine) return kept.replace(/[ \t]*$/, "");
    return indent + lineEnd + kept + lastLineEnd;
  });
}

/** A match of {@linkcode BLOCK}, as the callback of `replace` gets it. */
type Block = [
  match: string,
  indent: string,
  name: string,
  lineEnd: string | undefined,
  body: string,
  lastLineEnd: string | undefined,
  offset: number,
];
