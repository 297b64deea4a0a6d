import { isAbsolute, relative } from "node:path";

/** Fields of a tool's input that describe what it does, the most important first. */
const TELLING = [
  "command",
  "file_path",
  "notebook_path",
  "path",
  "filePath",
  "pattern",
  "url",
  "query",
  "description",
  "prompt",
  "skill",
];

/**
 * Describes a tool call in one line: its command, its file, its pattern.
 *
 * @example Usage
 * ```ts
 * import { toolDetail } from "./tool_detail.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(toolDetail({ file_path: "/app/lib/a.ts", content: "…" }, "/app"), "lib/a.ts");
 * assertEquals(toolDetail({ command: "deno test" }, "/app"), "deno test");
 * ```
 *
 * @param input The input of the tool.
 * @param cwd The folder in which the agent works; paths below it are shown relative to it.
 * @returns One line; the whole input as JSON if it has none of the known fields.
 */
export function toolDetail(input: Record<string, unknown>, cwd: string): string {
  for (const name of TELLING) {
    const value = input[name];
    if (typeof value !== "string" || value.trim() === "") continue;
    const line = value.trim().split("\n").map((it) => it.trim()).filter(Boolean).join("; ");
    return isAbsolute(line) ? below(line, cwd) : line;
  }
  return Object.keys(input).length === 0 ? "" : JSON.stringify(input);
}

function below(path: string, cwd: string): string {
  const short = relative(cwd, path);
  return short === "" || short.startsWith("..") || isAbsolute(short) ? path : short;
}
