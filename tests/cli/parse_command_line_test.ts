import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import type { OptionSpec } from "../../lib/cli/kit/command.ts";
import { parseCommandLine } from "../../lib/cli/kit/parse_command_line.ts";
import { UsageError } from "../../lib/cli/kit/usage.ts";

const OPTIONS: OptionSpec[] = [
  { name: "iterations", short: "i", value: "N", help: "" },
  { name: "model", short: "m", value: "NAME", help: "" },
  { name: "check", value: "CMD", multiple: true, help: "" },
  { name: "output", short: "o", value: "FILE", help: "" },
  { name: "pin", negatable: true, help: "" },
  { name: "detach", short: "d", help: "" },
  { name: "yes", short: "y", help: "" },
];
const GRAMMAR = { name: "ralph run", options: OPTIONS, operands: 2 };

/** What a command line says: the operands and every option that was given. */
function read(args: string[]): Record<string, unknown> {
  const line = parseCommandLine(args, GRAMMAR);
  const given: Record<string, unknown> = {};
  if (line.operands.length > 0) given._ = line.operands;
  for (const { name, value, multiple } of OPTIONS) {
    const it = value === undefined
      ? line.choice(name)
      : multiple
      ? line.values(name)
      : line.value(name);
    if (it !== undefined && !(Array.isArray(it) && it.length === 0)) given[name] = it;
  }
  return given;
}

const UNDERSTOOD: [string[], Record<string, unknown>][] = [
  [[], {}],
  [["job"], { _: ["job"] }],
  [["-i20"], { iterations: "20" }],
  [["-i", "20"], { iterations: "20" }],
  [["-i=20"], { iterations: "20" }],
  [["--iterations=20"], { iterations: "20" }],
  [["--iterations", "20", "job"], { iterations: "20", _: ["job"] }],
  [["-dy"], { detach: true, yes: true }],
  [["-dyi20", "job"], { detach: true, yes: true, iterations: "20", _: ["job"] }],
  [["-dyi", "20"], { detach: true, yes: true, iterations: "20" }],
  [["--detach", "job"], { detach: true, _: ["job"] }],
  [["--detach", "true"], { detach: true, _: ["true"] }],
  [["--pin"], { pin: true }],
  [["--no-pin"], { pin: false }],
  // A lone dash is a value and an operand.
  [["--output", "-"], { output: "-" }],
  [["--output=-"], { output: "-" }],
  [["-o", "-"], { output: "-" }],
  [["-o-"], { output: "-" }],
  [["-"], { _: ["-"] }],
  // So are negative numbers, and what can be no option.
  [["-i", "-5"], { iterations: "-5" }],
  [["--model", "- a list"], { model: "- a list" }],
  [["-5"], { _: ["-5"] }],
  [["--check", "-x y"], { check: ["-x y"] }],
  [["--check=--yes"], { check: ["--yes"] }],
  [["--check", "a=b", "--check", "c, d"], { check: ["a=b", "c, d"] }],
  [["--check", "one\ntwo"], { check: ["one\ntwo"] }],
  [["--model", "0012"], { model: "0012" }],
  // After -- nothing is an option.
  [["--", "-i", "--what"], { _: ["-i", "--what"] }],
  [["-d", "--", "--"], { detach: true, _: ["--"] }],
];

for (const [args, expected] of UNDERSTOOD) {
  Deno.test(`parseCommandLine() understands ${JSON.stringify(args)}`, () => {
    assertEquals(read(args), expected);
  });
}

const REFUSED: [string[], RegExp, RegExp][] = [
  [["--yes=no"], /^Option --yes takes no value, but got "no"$/, /leave it out/],
  [["--pin=false"], /^Option --pin takes no value, but got "false"$/, /--no-pin turns it off/],
  [["--no-pin=1"], /^Option --no-pin takes no value/, /./],
  [["-d=1"], /^Option -d takes no value, but got "1"$/, /./],
  [["-yd="], /^Option -d takes no value/, /./],
  [["--iterations"], /^Option --iterations needs a value$/, /^ralph run --iterations N$/],
  [["--iterations="], /needs a value/, /./],
  [["--iterations", ""], /needs a value/, /./],
  [["-i"], /^Option -i needs a value$/, /./],
  [["--model", "--yes"], /needs a value, and "--yes" looks like an option/, /^--model=--yes if/],
  [["--model", "--check=npm test"], /needs a value, and/, /^--model='--check=npm test' if/],
  [["--model", "-y"], /needs a value, and "-y" looks like an option/, /./],
  [["--model", "--", "x"], /^Option --model needs a value$/, /./],
  [["-i", "1", "--iterations=2"], /^Option --iterations is given more than once/, /./],
  [["--pin", "--no-pin"], /^Option --no-pin is given more than once/, /./],
  [["-yy"], /^Option -y is given more than once/, /./],
  [["--iteration", "3"], /^Unknown option "--iteration" for ralph run$/, /mean --iterations\?/],
  [["--iteration=3"], /^Unknown option "--iteration" /, /mean --iterations\?/],
  [["--no-pn"], /^Unknown option "--no-pn"/, /mean --no-pin\?/],
  [["--no-yes"], /^Unknown option "--no-yes"/, /^leave out --yes/],
  [["--no-model"], /^Unknown option "--no-model"/, /^leave out --model/],
  [["-model", "x"], /^Unknown option "-model"/, /mean --model\?/],
  [["-z"], /^Unknown option "-z"/, /^ralph run --help$/],
  [["-dz"], /^Unknown option "-dz"/, /./],
  [["--banana"], /^Unknown option "--banana"/, /^ralph run --help$/],
  [["--toString"], /^Unknown option "--toString"/, /./],
  [["--__proto__=1"], /^Unknown option "--__proto__"/, /./],
  [["a", "b", "c"], /^Unexpected argument "c" for ralph run$/, /^ralph run --help$/],
];

for (const [args, message, hint] of REFUSED) {
  Deno.test(`parseCommandLine() refuses ${JSON.stringify(args)}`, () => {
    const error = assertThrows(() => read(args), UsageError);
    assertMatch(error.message, message);
    assertMatch(error.hint ?? "", hint);
  });
}

Deno.test("parseCommandLine() understands --help and -h everywhere, also in a group", () => {
  for (const args of [["--help"], ["-h"], ["-dh"]]) {
    assertEquals(parseCommandLine(args, GRAMMAR).has("help"), true);
  }
});
