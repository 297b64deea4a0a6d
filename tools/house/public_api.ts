import { execFile } from "node:child_process";
import process from "node:process";
import { promisify } from "node:util";

/** A name that the library exports. */
export interface PublicName {
  /** The name. */
  name: string;
  /** Whether it exists when the program runs, or is a type. */
  kind: "value" | "type";
  /** The module that declares it, by its path from the root. */
  path: string;
  /** Whether its doc comment has an `@example`. */
  hasExample: boolean;
}

/** What `deno doc --json` writes, as far as it is read here. */
interface DocOutput {
  nodes: Record<string, { symbols: DocSymbol[] }>;
}

interface DocSymbol {
  name: string;
  declarations: {
    kind: string;
    location: { filename: string };
    jsDoc?: { tags?: { kind: string }[] };
  }[];
}

const VALUES = ["function", "class", "variable", "enum"];

/**
 * Lists what a module exports.
 *
 * @param root The root of the checkout: an absolute path.
 * @param entry The module, by its path from the root.
 * @returns The names, in the order of the module.
 * @throws {Error} If `deno doc` fails.
 */
export async function readPublicNames(root: string, entry: string): Promise<PublicName[]> {
  const { stdout } = await deno(root, ["doc", "--json", entry]);
  const { nodes } = JSON.parse(stdout) as DocOutput;
  return Object.values(nodes).flatMap(({ symbols }) => symbols).map(({ name, declarations }) => ({
    name,
    kind: declarations.some(({ kind }) => VALUES.includes(kind)) ? "value" : "type",
    path: declarations[0]?.location.filename.split(`${root}/`)[1] ?? "",
    hasExample: declarations.some(({ jsDoc }) =>
      jsDoc?.tags?.some(({ kind }) => kind === "example") ?? false
    ),
  }));
}

/**
 * Lists what `deno doc --lint` objects to: exports without a doc comment, and types that are not
 * exported and yet part of an export.
 *
 * @param root The root of the checkout: an absolute path.
 * @param entry The module, by its path from the root.
 * @returns A line for each objection.
 */
export async function lintPublicNames(root: string, entry: string): Promise<string[]> {
  try {
    await deno(root, ["doc", "--lint", entry]);
    return [];
  } catch (error) {
    const { stderr = "" } = error as { stderr?: string };
    const lines = stderr.split("\n").filter((line) => line.startsWith("error["));
    return lines.length > 0 ? lines : [stderr.trim()];
  }
}

async function deno(root: string, args: string[]): Promise<{ stdout: string }> {
  const env = { ...process.env, NO_COLOR: "1" };
  return await promisify(execFile)(process.execPath, args, {
    cwd: root,
    env,
    maxBuffer: 2 ** 28,
  });
}
