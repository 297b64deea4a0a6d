import { assertEquals } from "@std/assert";
import { renderTable } from "../../lib/ui/text/table.ts";

const columns = [
  { header: "task" },
  { header: "stories", align: "right" as const },
  { header: "path" },
];

Deno.test("renderTable() aligns columns under upper-case headers", () => {
  assertEquals(
    renderTable([["my-feature", "5/11", "tasks/my-feature"], ["日本", "12/40", "tasks/日本"], [
      "x",
    ]], {
      columns,
    }),
    [
      "TASK         STORIES   PATH",
      "my-feature      5/11   tasks/my-feature",
      "日本           12/40   tasks/日本",
      "x",
    ],
  );
});

Deno.test("renderTable() cuts the last column at the width", () => {
  assertEquals(
    renderTable([["my-feature", "5/11", "tasks/my-feature"]], { columns, width: 32 }),
    ["TASK         STORIES   PATH", "my-feature      5/11   tasks/my…"],
  );
});

Deno.test("renderTable() keeps every row on one line and free of escape sequences", () => {
  assertEquals(
    renderTable([["a\nb", "\x1b[31m1"]], { columns: [{ header: "k" }, { header: "v" }] }),
    ["K     V", "a b   1"],
  );
});

Deno.test("renderTable() shows the headers of an empty table", () => {
  assertEquals(renderTable([], { columns }), ["TASK   STORIES   PATH"]);
});
