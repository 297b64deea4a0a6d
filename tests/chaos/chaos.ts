/**
 * `deno task chaos [ROUNDS] [SEED]`: loops whose worker or agent is killed with -9 at a random
 * moment, each run again to the end, with every invariant checked. 200 rounds by default.
 */
// deno-lint-ignore-file no-console -- a program, whose output this is
import process from "node:process";
import { chaosRound } from "./chaos_round.ts";
import { seeded } from "./seeded.ts";

const [rounds = "200", seed = String(Date.now() % 1_000_000)] = process.argv.slice(2);
const random = seeded(Number(seed));
const victims = new Map<string, number>();
const sessions = new Map<number, number>();
const startedAt = performance.now();
console.log(`${rounds} rounds, seed ${seed}`);
for (let round = 1, tries = 1; round <= Number(rounds); tries++) {
  try {
    const report = await chaosRound(random);
    victims.set(report.victim, (victims.get(report.victim) ?? 0) + 1);
    sessions.set(report.sessions, (sessions.get(report.sessions) ?? 0) + 1);
    // A loop that was over before it could be killed shows nothing.
    if (report.victim === "nobody") continue;
  } catch (error) {
    console.error(`Try ${tries} of seed ${seed} failed`);
    throw error;
  }
  if (round % 20 === 0) console.log(`${round} rounds`);
  round++;
}
const seconds = Math.round((performance.now() - startedAt) / 1_000);
console.log(`${rounds} rounds held in ${seconds} s`);
for (const [victim, count] of victims) console.log(`  killed ${victim}: ${count}`);
for (const [count, times] of [...sessions].sort()) {
  console.log(`  done in ${count} session${count === 1 ? "" : "s"}: ${times}`);
}
