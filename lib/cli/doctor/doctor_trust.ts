import { executables } from "../../guard/trust/executables.ts";
import { decideConsent } from "../../guard/trust/trust_record.ts";
import { NO_JUDGED_PRD, taskPath, type TrustedContent } from "../../guard/trust/trusted_content.ts";
import { listTasks } from "../../task/list_tasks.ts";
import { resolveTask } from "../../task/resolve_task.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import { changeLines } from "../../ui/report/trust_lines.ts";
import { openTrust, readContent } from "../trust/open_trust.ts";
import type { DoctorContext } from "./doctor_check.ts";

/**
 * Checks whether a person has allowed what `ralph.toml` and the tasks here run, and runs none of
 * it.
 *
 * @returns A finding if the repository brings any command.
 */
export async function checkTrust({ root, env, options }: DoctorContext): Promise<DoctorFinding[]> {
  if (root === undefined || options instanceof Error) return [];
  const trust = await openTrust(root, env);
  const record = await trust.store.read();
  const { trustedFolder } = trust;
  const own: TrustedContent = {
    prdFile: "",
    settings: trust.project,
    prd: NO_JUDGED_PRD,
    prompt: null,
  };
  const contents = new Map([["", own]]);
  for (const { name, hasPrd } of await listTasks(root)) {
    if (!hasPrd) continue;
    const task = await resolveTask(name, { cwd: root });
    contents.set(taskPath(task), await readContent(task, trust));
  }
  const refused = new Set<string>();
  for (const [task, now] of contents) {
    const consent = decideConsent({ record, task, root, now, trustedFolder });
    if (consent.kind !== "ask") continue;
    for (const line of changeLines(consent.difference)) refused.add(line.replaceAll(/ +/g, " "));
  }
  const title = "trust";
  if (refused.size > 0) {
    const detail = `not trusted: ${[...refused].join("; ")}`;
    return [{ level: "warning", title, detail, fix: "ralph trust" }];
  }
  const brings = [...contents.values()].some((each) => executables(each).length > 0);
  const detail = "what this repository runs is allowed";
  return brings ? [{ level: "ok", title, detail }] : [];
}
