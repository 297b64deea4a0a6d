import { stat } from "node:fs/promises";
import { join } from "node:path";
import { findFolderProblem } from "../../loop/start/preflight.ts";
import { probeFolder } from "../../loop/start/probe_folder.ts";
import { openRegistry } from "../../session/registry/open_registry.ts";
import { isAlive } from "../../base/process_identity.ts";
import { isNotFound } from "../../base/error_code.ts";
import { listTasks } from "../../task/list_tasks.ts";
import { PrdError } from "../../task/prd/prd.ts";
import { readPrd } from "../../task/prd/read_prd.ts";
import { formatBytes, formatCount } from "../../ui/text/numbers.ts";
import type { DoctorFinding } from "../../ui/report/doctor_lines.ts";
import type { DoctorContext } from "./doctor_check.ts";
import { problemFinding } from "./doctor_tools.ts";

/**
 * Checks whether the folders that a run writes to are writable and have room.
 *
 * @returns A finding for each folder.
 */
export async function checkFolders({ paths, root }: DoctorContext): Promise<DoctorFinding[]> {
  const folders: [string, string | undefined][] = [
    ["data folder", paths.dataDir],
    ["state folder", paths.stateDir],
    ["work tree", root],
  ];
  const found = await Promise.all(folders.map(async ([title, dir]) => {
    if (dir === undefined) return undefined;
    const problem = await findFolderProblem(dir);
    if (problem !== undefined) return problemFinding(problem);
    const state = await probeFolder(dir);
    const free = state.writable ? `, ${formatBytes(state.freeBytes)} free` : "";
    return { level: "ok", title, detail: `${dir}${free}` } as const;
  }));
  return found.filter((finding) => finding !== undefined);
}

/**
 * Checks whether the registry of sessions opens, and whether sessions have lost their worker.
 *
 * @returns A finding for the registry, and one for each session whose worker is dead.
 */
export async function checkSessions({ paths }: DoctorContext): Promise<DoctorFinding[]> {
  const title = "registry";
  const path = paths.database;
  try {
    await stat(path);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    return [{ level: "ok", title, detail: `${path}, created by the first run` }];
  }
  try {
    using registry = openRegistry({ path });
    const running = registry.runningSessions();
    const dead = running.filter(({ transport, worker }) =>
      transport === "local" && (worker === null || !isAlive(worker))
    );
    const live = formatCount(running.length - dead.length, "session");
    const found: DoctorFinding = { level: "ok", title, detail: `${path}, ${live} running` };
    return [
      found,
      ...dead.map(({ task, id }): DoctorFinding => ({
        level: "warning",
        title: `session of ${task}`,
        detail: `${id} is recorded as running, but its worker is dead`,
        fix: "ralph status",
      })),
    ];
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    return [{ level: "problem", title, detail, fix: `move the file away: ${path}` }];
  }
}

/**
 * Checks whether every prd.json of the repository can be read.
 *
 * @returns A finding for each broken one, and one for all others.
 */
export async function checkTasks({ root }: DoctorContext): Promise<DoctorFinding[]> {
  if (root === undefined) return [];
  const tasks = (await listTasks(root)).filter(({ hasPrd }) => hasPrd);
  const broken = await Promise.all(tasks.map(async ({ name, dir }) => {
    try {
      await readPrd(join(dir, "prd.json"), { within: root });
      return [];
    } catch (error) {
      if (!(error instanceof PrdError)) throw error;
      const finding = { level: "warning", title: `task ${name}`, detail: error.message } as const;
      return [{ ...finding, fix: `ralph check ${name}` }];
    }
  }));
  const count = tasks.length - broken.flat().length;
  if (tasks.length === 0) {
    return [{
      level: "info",
      title: "tasks",
      detail: "none in tasks/",
      fix: "ralph init my-feature",
    }];
  }
  const detail = `${formatCount(count, "prd.json", { plural: "prd.json files" })} can be read`;
  return [
    ...(count === 0 ? [] : [{ level: "ok", title: "tasks", detail } as const]),
    ...broken.flat(),
  ];
}
