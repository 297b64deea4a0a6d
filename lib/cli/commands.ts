import type { Command } from "./kit/command.ts";

/** A command in the table: its line in the help, and where to load it from. */
export interface CommandEntry {
  /** Its name. */
  name: string;
  /** What it does, in a few words. */
  summary: string;
  /** The heading under which the help lists it. */
  group: "Work" | "Watch" | "Steer" | "Keep" | "Set up" | "For programs";
  /** Whether to leave it out of the help. */
  hidden?: boolean | undefined;
  /** Loads it: only the called command is read from the disk. */
  load(): Promise<{ command: Command }>;
}

/** Every command of `ralph`, in the order of its help. A new one is a file and a row here. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: "run",
    summary: "run an agent over the open stories of a task",
    group: "Work",
    load: () => import("./command/work/run.ts"),
  },
  {
    name: "init",
    summary: "create a task, with a prd.md to fill in",
    group: "Work",
    load: () => import("./command/work/init.ts"),
  },
  {
    name: "convert",
    summary: "create prd.json from prd.md",
    group: "Work",
    load: () => import("./command/work/convert.ts"),
  },
  {
    name: "check",
    summary: "find errors and oddities in a prd.json",
    group: "Work",
    load: () => import("./command/work/check.ts"),
  },
  {
    name: "tasks",
    summary: "list the tasks of this repository",
    group: "Work",
    load: () => import("./command/work/tasks.ts"),
  },
  {
    name: "demo",
    summary: "see ralph work, in a throw-away repository",
    group: "Work",
    load: () => import("./command/work/demo.ts"),
  },
  {
    name: "status",
    summary: "show which tasks are running, and how the last ones ended",
    group: "Watch",
    load: () => import("./command/watch/status.ts"),
  },
  {
    name: "attach",
    summary: "watch a running session",
    group: "Watch",
    load: () => import("./command/watch/attach.ts"),
  },
  {
    name: "logs",
    summary: "print what the agents said",
    group: "Watch",
    load: () => import("./command/watch/logs.ts"),
  },
  {
    name: "show",
    summary: "show everything about one session",
    group: "Watch",
    load: () => import("./command/watch/show.ts"),
  },
  {
    name: "history",
    summary: "list the sessions of a task",
    group: "Watch",
    load: () => import("./command/watch/history.ts"),
  },
  {
    name: "stop",
    summary: "end a running session",
    group: "Steer",
    load: () => import("./command/steer/stop.ts"),
  },
  {
    name: "checkpoint",
    summary: "end a running session after its current iteration",
    group: "Steer",
    load: () => import("./command/steer/checkpoint.ts"),
  },
  {
    name: "clean",
    summary: "delete old sessions and their logs",
    group: "Keep",
    load: () => import("./command/keep/clean.ts"),
  },
  {
    name: "doctor",
    summary: "find what a run needs and is missing",
    group: "Set up",
    load: () => import("./command/setup/doctor.ts"),
  },
  {
    name: "trust",
    summary: "show and allow what a repository runs",
    group: "Set up",
    load: () => import("./command/setup/trust.ts"),
  },
  {
    name: "systemd",
    summary: "print the systemd unit of the OpenCode server",
    group: "Set up",
    load: () => import("./command/setup/systemd.ts"),
  },
  {
    name: "rpc",
    summary: "talk to a running session, for editors and scripts",
    group: "For programs",
    load: () => import("./command/program/rpc.ts"),
  },
  {
    name: "__session",
    summary: "run one session in the background",
    group: "For programs",
    hidden: true,
    load: () => import("./command/program/session.ts"),
  },
];
