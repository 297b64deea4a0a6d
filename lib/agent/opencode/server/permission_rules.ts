/** The action of a rule. */
export type PermissionAction = "allow" | "deny" | "ask";

/** One rule of OpenCode's permissions. Of several that match, the last one counts. */
export interface PermissionRule {
  /** What it is about, such as `bash` or `edit`; `*` stands for any text. */
  permission: string;
  /** The command, file or address that it is about; `*` stands for any text, `?` for a character. */
  pattern: string;
  /** The action. */
  action: PermissionAction;
}

/**
 * Permissions as in `opencode.json`: one action for everything, or per kind an action or a map of
 * patterns to actions, such as `{ bash: { "*": "ask", "git *": "allow" } }`.
 */
export type PermissionConfig =
  | PermissionAction
  | Record<string, PermissionAction | Record<string, PermissionAction>>;

/**
 * Turns the permissions of a config into rules.
 *
 * @example Usage
 * ```ts
 * import { permissionRules } from "./permission_rules.ts";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(permissionRules({ bash: { "git *": "allow" } }), [
 *   { permission: "bash", pattern: "git *", action: "allow" },
 * ]);
 * ```
 *
 * @returns The rules, in order.
 */
export function permissionRules(config: PermissionConfig): PermissionRule[] {
  if (typeof config === "string") return [{ permission: "*", pattern: "*", action: config }];
  return Object.entries(config).flatMap(([permission, value]) =>
    typeof value === "string"
      ? [{ permission, pattern: "*", action: value }]
      : Object.entries(value).map(([pattern, action]) => ({ permission, pattern, action }))
  );
}

/**
 * Decides about a permission that OpenCode asks for. All of its patterns must be allowed.
 *
 * @example Usage
 * ```ts
 * import { decidePermission, permissionRules } from "./permission_rules.ts";
 * import { assertEquals } from "@std/assert";
 *
 * const rules = permissionRules({ bash: { "git *": "allow" } });
 * assertEquals(decidePermission(rules, { permission: "bash", patterns: ["git log"] }), "allow");
 * assertEquals(decidePermission(rules, { permission: "bash", patterns: ["rm -r ."] }), "deny");
 * ```
 *
 * @returns `deny` also if no rule matches or one says `ask`, as nobody is there to answer.
 */
export function decidePermission(
  rules: readonly PermissionRule[],
  request: { permission: string; patterns: readonly string[] },
): "allow" | "deny" {
  const { permission, patterns } = request;
  const wanted = patterns.length > 0 ? patterns : ["*"];
  const allowed = wanted.every((pattern) =>
    rules.findLast((rule) => matches(rule.permission, permission) && matches(rule.pattern, pattern))
      ?.action === "allow"
  );
  return allowed ? "allow" : "deny";
}

/** `git *` also matches `git` alone, as in OpenCode. */
function matches(pattern: string, text: string): boolean {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*").replaceAll("?", ".").replace(/ \.\*$/, "( .*)?");
  return new RegExp(`^${escaped}$`, "s").test(text);
}
