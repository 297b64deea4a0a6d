import { chaosRound } from "./chaos_round.ts";
import { seeded } from "./seeded.ts";

Deno.test("ralph survives kill -9 of its worker and its agent at random moments", async () => {
  const random = seeded(7);
  // `deno task chaos` does 200 of them.
  for (let round = 0; round < 6; round++) await chaosRound(random);
});
