import { renderTable } from "../../lib/ui/text/table.ts";
import type { BenchRow } from "./measure.ts";

const COLUMNS = [
  { header: "measured" },
  { header: "ours", align: "right" as const },
  { header: "reference", align: "right" as const },
  { header: "unit" },
  { header: "reach" },
];

/**
 * Formats the results of a benchmark.
 *
 * @returns The lines of a table.
 */
export function renderReport(rows: readonly BenchRow[]): string[] {
  const cells = rows.map(({ what, ours, reference, unit, reach }) => [
    what,
    formatNumber(ours),
    reference === undefined ? "—" : formatNumber(reference),
    unit,
    reach === undefined ? "" : `${reach.met ? "met" : "MISSED"}: ${reach.words}`,
  ]);
  return renderTable(cells, { columns: COLUMNS });
}

/** More than three digits would be noise. */
function formatNumber(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0);
}
