import type { TrustDifference } from "../../guard/trust/difference.ts";
import type { Executable } from "../../guard/trust/executables.ts";
import { displayWidth, padText } from "../text/display_width.ts";

/** A longer command pushes only its own file to the right. */
const RUN_WIDTH = 48;
/** Control characters, invisible and unassigned ones, and separators of lines. */
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Formats commands of a repository, one line each: the kind, the whole command, the file. Nothing
 * is cut, and what a terminal would interpret or hide is spelled out: a person decides by what is
 * shown here.
 *
 * @example Usage
 * ```ts
 * import { executableLines } from "./trust_lines.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const check = { kind: "check", name: "", run: "npm test", file: "tasks/x/prd.json" } as const;
 * const hook = { kind: "hook", name: "*", run: "./notify.sh", file: "ralph.toml" } as const;
 * assertEquals(executableLines([check, hook]), [
 *   "check  npm test     tasks/x/prd.json",
 *   "hook   ./notify.sh  ralph.toml (*)",
 * ]);
 * ```
 */
export function executableLines(list: readonly Executable[]): string[] {
  const rows = list.map(({ kind, name, run, file }) => ({
    kind,
    run: visibleText(run),
    place: visibleText(name === "" ? file : `${file} (${name})`),
  }));
  const width = Math.min(RUN_WIDTH, Math.max(0, ...rows.map(({ run }) => displayWidth(run))));
  return rows.map(({ kind, run, place }) =>
    `${kind.padEnd(5)}  ${displayWidth(run) < width ? padText(run, width) : run}  ${place}`
  );
}

/** Formats how commands and rules differ from what was allowed: `-` is gone, `+` is new. */
export function changeLines({ added, removed, rules }: TrustDifference): string[] {
  const lines = executableLines([...removed, ...added]);
  return [
    ...lines.map((line, i) => `${i < removed.length ? "-" : "+"} ${line}`),
    ...rules.map(({ name, file }) => `~ rule   ${visibleText(name)}  ${visibleText(file)}`),
  ];
}

/** Spells out every character that a terminal would interpret, reorder or hide. */
function visibleText(text: string): string {
  return text.toWellFormed().replace(
    HIDDEN,
    (char) =>
      char === "\n"
        ? "\\n"
        : char === "\t"
        ? "\\t"
        : `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
