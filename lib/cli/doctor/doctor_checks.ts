import { checkAgents, checkSettings } from "./doctor_agents.ts";
import type { DoctorCheck } from "./doctor_check.ts";
import { checkOpencode } from "./doctor_opencode.ts";
import { checkFolders, checkSessions, checkTasks } from "./doctor_files.ts";
import { checkGh, checkGit, runtimeFinding } from "./doctor_tools.ts";

/** Everything that `ralph doctor` checks, in display order. */
export const DOCTOR_CHECKS: readonly DoctorCheck[] = [
  { name: "ralph", run: () => Promise.resolve([runtimeFinding()]) },
  { name: "git", run: checkGit },
  { name: "settings", run: checkSettings },
  { name: "agents", run: checkAgents },
  { name: "OpenCode server", run: checkOpencode },
  { name: "folders", run: checkFolders },
  { name: "registry", run: checkSessions },
  { name: "tasks", run: checkTasks },
  { name: "gh", run: checkGh },
];
