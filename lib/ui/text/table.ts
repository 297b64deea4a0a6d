import { displayWidth, padText } from "./display_width.ts";
import { sanitizeText } from "./sanitize_text.ts";
import { fitSpans } from "./style.ts";

/** A column of a table. */
export interface TableColumn {
  /** Its heading; shown in upper case. */
  header: string;
  /** On which side its cells are aligned; use right for numbers. @default {"left"} */
  align?: "left" | "right" | undefined;
}

/** Options for {@linkcode renderTable}. */
export interface RenderTableOptions {
  /** The columns, from left to right. */
  columns: readonly TableColumn[];
  /** The width of the terminal; longer lines are cut. @default {no limit} */
  width?: number | undefined;
}

/**
 * Formats a table: aligned columns three spaces apart under upper-case headers. Long lines are cut
 * at the right, so the last column is the place for long text.
 *
 * @example Usage
 * ```ts
 * import { renderTable } from "./table.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const lines = renderTable([["my-feature", "5/11"], ["fix-auth", "2/7"]], {
 *   columns: [{ header: "task" }, { header: "stories", align: "right" }],
 * });
 * assertEquals(lines, [
 *   "TASK         STORIES",
 *   "my-feature      5/11",
 *   "fix-auth         2/7",
 * ]);
 * ```
 *
 * @param rows The cells of each row; missing ones are empty.
 * @param options The columns and the width.
 * @returns The header and a line for each row, without trailing spaces.
 */
export function renderTable(
  rows: readonly (readonly string[])[],
  options: RenderTableOptions,
): string[] {
  const { columns, width = Infinity } = options;
  const lines = [columns.map(({ header }) => header.toUpperCase()), ...rows]
    .map((row) => columns.map((_, index) => sanitizeText(row[index] ?? "")));
  const widths = columns.map((_, index) =>
    lines.reduce((most, line) => Math.max(most, displayWidth(line[index] ?? "")), 0)
  );
  return lines.map((line) => {
    const cells = line.map((cell, index) =>
      padText(cell, widths[index] ?? 0, { align: columns[index]?.align ?? "left" })
    );
    return fitSpans([{ text: cells.join("   ") }], width);
  });
}
