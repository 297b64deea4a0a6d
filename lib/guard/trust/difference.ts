import {
  canonicalJson,
  type Executable,
  executables,
  harmlessKeys,
  hookEvents,
} from "./executables.ts";
import type { ProjectSettings, TrustedContent } from "./trusted_content.ts";

/** A change of what judges the agents without running anything, such as a limit. */
export interface RuleChange {
  /** Its name in its file, such as `max_cost`. */
  name: string;
  /** The file, from the root. */
  file: string;
}

/** How what a repository says differs from what a person has accepted. */
export interface TrustDifference {
  /** What would run now and was not accepted. */
  added: Executable[];
  /** What was accepted and would no longer run. A check that was weakened is removed and added. */
  removed: Executable[];
  /** Everything else that judges and has changed. */
  rules: RuleChange[];
}

/**
 * Compares what a repository says now with what a person has accepted. The order of commands does
 * not matter.
 */
export function difference(accepted: TrustedContent, now: TrustedContent): TrustDifference {
  const before = executables(accepted);
  const after = executables(now);
  const missingIn = (list: Executable[]) => (each: Executable): boolean =>
    !list.some((other) => canonicalJson(other) === canonicalJson(each));
  const was = rulesOf(accepted);
  const is = rulesOf(now);
  const keys = [...new Set([...was.keys(), ...is.keys()])];
  return {
    added: after.filter(missingIn(before)),
    removed: before.filter(missingIn(after)),
    rules: keys.filter((key) => was.get(key)?.value !== is.get(key)?.value).toSorted()
      .flatMap((key) => {
        const { name, file } = is.get(key) ?? was.get(key) ?? {};
        return name === undefined || file === undefined ? [] : [{ name, file }];
      }),
  };
}

/** Whether commands differ, and not only rules. */
export function commandsDiffer({ added, removed }: TrustDifference): boolean {
  return added.length > 0 || removed.length > 0;
}

/** Whether anything differs. */
export function differs(found: TrustDifference): boolean {
  return commandsDiffer(found) || found.rules.length > 0;
}

type Rules = Map<string, RuleChange & { value: string }>;

function rulesOf({ prdFile, settings, prd, prompt }: TrustedContent): Rules {
  const rules: Rules = new Map();
  const add = (file: string, name: string, value: unknown): void => {
    if (value !== undefined) {
      rules.set(`${file}: ${name}`, { file, name, value: canonicalJson(value) });
    }
  };
  add(prdFile, "failoverThreshold", prd.failoverThreshold);
  add(prdFile, "mergeTarget", prd.mergeTarget ?? undefined);
  add(prdFile, "autoMerge", prd.autoMerge || undefined);
  if (prompt !== null) add(prompt.file, "the text", prompt.text);
  for (const [name, value] of settingsRules(settings)) add("ralph.toml", name, value);
  return rules;
}

function settingsRules(settings: ProjectSettings): [name: string, value: unknown][] {
  const { checks, hooks = [], agents = {}, opencode: _, ...rest } = settings;
  return [
    ...Object.entries(rest),
    // An empty list runs nothing, but takes precedence over the user's own checks.
    ["checks", checks?.length === 0 ? [] : undefined],
    ...hooks.map((
      hook,
    ): [string, unknown] => [`timeout of hook ${hookEvents(hook)}`, hook.timeout]),
    ...Object.entries(agents).flatMap(([name, table]) =>
      harmlessKeys(table).map(([key, value]): [string, unknown] => [`agents.${name}.${key}`, value])
    ),
  ];
}

/**
 * Describes a difference in one line, as in `check "npm test" of tasks/x/prd.json was removed`.
 *
 * @returns The sentence, without the final period; empty if nothing differs.
 */
export function describeDifference({ added, removed, rules }: TrustDifference): string {
  const name = ({ kind, name, run, file }: Executable): string =>
    `${kind} ${name === "" ? "" : `${name} `}${JSON.stringify(run)} of ${file}`;
  return [
    ...removed.map((each) => `${name(each)} was removed`),
    ...added.map((each) => `${name(each)} was added`),
    ...rules.map(({ name, file }) => `${name} of ${file} was changed`),
  ].join("; ");
}
