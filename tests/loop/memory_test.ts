import { assertLess } from "@std/assert";
import { measureMemory } from "../bench/memory_bench.ts";

Deno.test("runSession() needs no more memory after 300 iterations than after 50", async () => {
  // `deno task bench --filter memory` does 1,000, and looks at the resident memory as well, which
  // depends on how the engine sees the machine.
  const { warm, last } = await measureMemory(300);
  assertLess(last.heapMb, warm.heapMb * 1.2);
});
