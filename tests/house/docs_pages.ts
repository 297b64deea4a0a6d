import { assert } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";

/** The pages of the docs, taken apart for tests. */

/** The root of the repository. */
export const ROOT = new URL("../../", import.meta.url);

/** A page of the docs. */
export class Page {
  /** The path from the root of the repository, such as `docs/agents.md`. */
  readonly path: string;
  /** The whole text. */
  readonly text: string;

  constructor(path: string, text: string) {
    this.path = path;
    this.text = text;
  }

  /** Where it is. */
  get url(): URL {
    return new URL(this.path, ROOT);
  }

  /** The text without blocks of code. */
  get prose(): string {
    return this.text.replaceAll(/^ *```[\s\S]*?^ *```$/gm, "");
  }

  /** Every piece of code within a line. */
  get spans(): string[] {
    return [...this.prose.matchAll(/`([^`]+)`/g)]
      .map(([, code = ""]) => code.replaceAll("\\|", "|").replaceAll(/\s+/g, " "));
  }

  /** The anchors of the headings, as GitHub makes them. */
  get anchors(): string[] {
    return [...this.prose.matchAll(/^#+ (.*)$/gm)].map(([, title = ""]) =>
      title.toLowerCase().replaceAll(/[^\p{L}\p{N}_ -]/gu, "").replaceAll(" ", "-")
    );
  }

  /** The text below a heading, up to the next one of the same or a higher level. */
  section(title: string): Page {
    const lines = this.text.split("\n");
    let isCode = false;
    const levels = lines.map((line) => {
      if (/^ *```/.test(line)) isCode = !isCode;
      return isCode ? 0 : /^(#*) /.exec(line)?.[1]?.length ?? 0;
    });
    const start = lines.findIndex((line, i) => levels[i] && line.replace(/^#+ /, "") === title);
    const own = levels[start];
    assert(own !== undefined, `${this.path} has no section "${title}"`);
    const end = levels.findIndex((level, i) => i > start && level > 0 && level <= own);
    return new Page(this.path, lines.slice(start + 1, end < 0 ? undefined : end).join("\n"));
  }

  /** The blocks of code in a language, in their order. */
  blocks(language: string): string[] {
    return [...this.text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)]
      .flatMap(([, name, code = ""]) => name === language ? [code] : []);
  }

  /** The rows of the table with these columns; each maps the name of a column to a cell. */
  table(...columns: string[]): Record<string, string>[] {
    const tables = this.text.split(/\n\s*\n/).map((text) => text.trim().split("\n"))
      .filter(([head]) => head?.startsWith("|"));
    const table = tables.find(([head = ""]) => columns.every((name, i) => cells(head)[i] === name));
    assert(table !== undefined, `${this.path} has no table with columns ${columns.join(", ")}`);
    return table.slice(2).map((line) => {
      const row = cells(line);
      assert(row.length === cells(table[0] ?? "").length, `${this.path}: ${line}`);
      return Object.fromEntries(columns.map((name, i) => [name, row[i] ?? ""]));
    });
  }
}

/** Every page: those at the root of the repository, and those in docs/. */
export async function readPages(): Promise<Page[]> {
  const names = (await readdir(new URL("docs/", ROOT))).filter((name) => name.endsWith(".md"));
  const root = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md"];
  const paths = [...root, ...names.sort().map((name) => `docs/${name}`)];
  return await Promise.all(
    paths.map(async (path) => new Page(path, await readFile(new URL(path, ROOT), "utf8"))),
  );
}

/** The names in backticks of a cell. */
export function codeOf(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, code = ""]) => code);
}

function cells(line: string): string[] {
  return line.replace(/^\||\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
}
