/**
 * A toolkit that runs a coding agent over the user stories of a task until every story passes.
 *
 * A task is a folder with a `prd.json`. {@linkcode runLoop} turns it and some agents into a stream
 * of {@linkcode LoopEvent}s; everything else reads them: the progress file, the registry of
 * sessions, the terminal. Decisions such as {@linkcode chooseStory} or {@linkcode classifyEnding}
 * are functions of their own.
 *
 * @example Run a task to its end
 * ```ts ignore
 * import { createAgents, progressSink, resolveTask, runLoop } from "@ralph/cli";
 *
 * const task = await resolveTask("my-feature");
 * await using progress = progressSink({ task });
 * for await (const event of runLoop({ task, agents: createAgents() })) {
 *   await progress.write(event);
 *   if (event.type === "iteration_finished") console.log(event.story.id, event.outcome);
 * }
 * ```
 *
 * @example Look at a task
 * ```ts
 * import { chooseStory, parsePrd } from "@ralph/cli";
 * import { assertEquals } from "@std/assert";
 *
 * const prd = parsePrd('{"userStories":[{"id":"US-1","passes":true},{"id":"US-2"}]}');
 * const choice = chooseStory(prd);
 * assertEquals(choice.kind === "run" && choice.story.id, "US-2");
 * ```
 *
 * @module
 */
// Tasks, and the PRD of a task: prd.md, prd.json, progress.txt.
export { findGitRoot, NotARepositoryError } from "./lib/git/find_git_root.ts";
export { listTasks, type TaskListing } from "./lib/task/list_tasks.ts";
export {
  type ConvertedPrd,
  convertPrd,
  type ConvertPrdOptions,
} from "./lib/task/markdown/convert_prd.ts";
export type { PrdChanges, StoryChange } from "./lib/task/markdown/merge_prd.ts";
export {
  PrdMarkdownError,
  type PrdMarkdownWarning,
} from "./lib/task/markdown/parse_prd_markdown.ts";
export { checkPrd, type CheckPrdOptions, type PrdFinding } from "./lib/task/prd/check_prd.ts";
export { editPrd, type EditPrdOptions, setStoryPasses } from "./lib/task/prd/edit_prd.ts";
export { parsePrd, type ParsePrdOptions } from "./lib/task/prd/parse_prd.ts";
export {
  type Criterion,
  type Decision,
  type Phase,
  type Prd,
  PrdError,
  type Story,
} from "./lib/task/prd/prd.ts";
export { prdJsonSchema } from "./lib/task/prd/prd_schema.ts";
export { readPrd, type ReadPrdOptions } from "./lib/task/prd/read_prd.ts";
export {
  type ParsedProgressEntry,
  parseProgress,
  type ProgressHeader,
  type ProgressLog,
  type ProgressPosition,
} from "./lib/task/progress/parse_progress.ts";
export type {
  CheckpointEntry,
  FailoverEntry,
  FailureEntry,
  OtherEntry,
  PatternsEntry,
  ProgressEntry,
  StoryEntry,
} from "./lib/task/progress/progress_entry.ts";
export { buildPrompt, type BuildPromptOptions } from "./lib/task/prompt/build_prompt.ts";
export {
  resolveTask,
  type ResolveTaskOptions,
  TaskNotFoundError,
} from "./lib/task/resolve_task.ts";
export type { Task } from "./lib/task/task.ts";
export { InvalidTaskNameError } from "./lib/task/task_name.ts";

// A loop: a task and agents in, events out; and the decisions it takes, as functions.
export { DirtyTreeError, SwitchError } from "./lib/loop/branch/switch_error.ts";
export {
  chooseStory,
  type ChooseStoryOptions,
  type StoryChoice,
} from "./lib/loop/decide/choose_story.ts";
export {
  afterEnding,
  type AfterEndingOptions,
  type AgentSelection,
  type AgentState,
  DEFAULT_FAILOVER_RULES,
  type FailoverRules,
  type FailoverState,
  selectAgent,
} from "./lib/loop/decide/failover.ts";
export { type ControlledRun, LoopControl, type LoopRequest } from "./lib/loop/loop_control.ts";
export type { RunLoopOptions } from "./lib/loop/loop_options.ts";
export { runLoop } from "./lib/loop/run_loop.ts";
export { PreflightError, type PreflightProblem } from "./lib/loop/start/preflight.ts";
export type { MissingAgent } from "./lib/loop/start/probe_agents.ts";
export {
  AgentNotReadyError,
  NoStoriesError,
  UnfilledStoriesError,
} from "./lib/loop/start/start_loop.ts";
export {
  type ProgressSink,
  progressSink,
  type ProgressSinkOptions,
} from "./lib/task/progress/progress_sink.ts";

// Agents: those that ralph knows, and what it takes to write one.
export type {
  Agent,
  AgentAvailability,
  AgentCommand,
  AgentProbeOptions,
  AgentResult,
  AgentRun,
  AgentStartOptions,
} from "./lib/agent/agent.ts";
export type { AgentTerminal } from "./lib/agent/agent_terminal.ts";
export { createClaude } from "./lib/agent/claude/claude.ts";
export type { ClaudeOptions } from "./lib/agent/claude/options.ts";
export { type CommandOptions, createCommand } from "./lib/agent/command/command.ts";
export type {
  CommandConfig,
  CommandSuccess,
  PatternConfig,
} from "./lib/agent/command/command_config.ts";
export { createAgents, type CreateAgentsOptions } from "./lib/agent/create_agents.ts";
export { createDemo, type DemoOptions } from "./lib/agent/demo/demo.ts";
export {
  type AgentReport,
  classifyEnding,
  type ClassifyEndingOptions,
  type EndingFacts,
  type EndingPattern,
} from "./lib/agent/ending/classify_ending.ts";
export { createOpencode, type OpencodeOptions } from "./lib/agent/opencode/opencode.ts";
export {
  inProcessRun,
  type InProcessRunOptions,
  type InProcessWork,
} from "./lib/agent/process/in_process_run.ts";
export { probeProgram, type ProbeProgramOptions } from "./lib/agent/process/probe_program.ts";
export {
  type Conversation,
  runAgentProcess,
  type RunAgentProcessOptions,
} from "./lib/agent/process/run_agent_process.ts";
export { findSecrets, maskSecrets } from "./lib/base/mask_secrets.ts";

// Events and outcomes: what flows out of a loop, and what takes it.
export type { Sink } from "./lib/event/sink.ts";
export {
  type EndedStatus,
  ENDING_KINDS,
  type EndingKind,
  EVENT_TYPES,
  type EventType,
  ITERATION_OUTCOMES,
  type IterationOutcome,
  LOOP_OUTCOMES,
  type LoopOutcome,
  REPORTED_ENDINGS,
  type ReportedEnding,
  SESSION_STATUSES,
  type SessionStatus,
} from "./lib/event/vocabulary.ts";
export type { AgentEnding, AgentEvent, Denial, Usage } from "./lib/event/agent_event.ts";
export type {
  BlockedStory,
  IterationSummary,
  LoopEvent,
  LoopEventBody,
  LoopLimits,
  LoopResult,
  StoryCount,
  StoryRef,
} from "./lib/event/loop_event.ts";
export { eventLine, type NumberedEvent, parseEventLine } from "./lib/event/numbered_event.ts";
export { addUsage, NO_USAGE } from "./lib/event/usage.ts";

// Sessions: a loop that is recorded, in this process or in the background, and the registry.
export type { ProcessIdentity } from "./lib/base/process_identity.ts";
export { readSessionLog, type ReadSessionLogOptions } from "./lib/session/log/read_session_log.ts";
export type { LegacyRecord } from "./lib/session/model/legacy_layout.ts";
export type {
  EndSessionOptions,
  FinishIterationOptions,
  Iteration,
  IterationStart,
  NewSession,
  Session,
  SessionPatch,
} from "./lib/session/model/session.ts";
export {
  type PathEnvironment,
  type SessionPaths,
  sessionPaths,
} from "./lib/session/model/session_paths.ts";
export { SessionRefError } from "./lib/session/find/find_session.ts";
export type { FindSessionsOptions } from "./lib/session/registry/find_sessions_query.ts";
export {
  migrate,
  openRegistry,
  type OpenRegistryOptions,
} from "./lib/session/registry/open_registry.ts";
export { Registry } from "./lib/session/registry/registry.ts";
export {
  RegistryFormatError,
  RegistryVersionError,
  SessionNotFoundError,
} from "./lib/session/registry/registry_error.ts";
export { type Hook, hookSink, type HookSinkOptions } from "./lib/worker/hook_sink.ts";
export { recoverSessions, type RecoverSessionsOptions } from "./lib/worker/recover_sessions.ts";
export { runSession, type RunSessionOptions, TaskRunningError } from "./lib/worker/run_session.ts";
export { WorkTreeBusyError, type WorkTreeHolder } from "./lib/worker/lock_work_tree.ts";
export { stopSession, type StopSessionOptions } from "./lib/worker/stop_session.ts";

// Follow and steer a session that runs elsewhere.
export { connectSession, type ConnectSessionOptions } from "./lib/rpc/client/connect_session.ts";
export { type RpcCallOptions, RpcConnectionError } from "./lib/rpc/client/rpc_channel.ts";
export {
  type ClientEventsOptions,
  SessionClient,
  type SessionClientOptions,
} from "./lib/rpc/client/session_client.ts";
export { commandTransport, type RpcTransport, unixTransport } from "./lib/rpc/client/transports.ts";
export { RpcError } from "./lib/rpc/protocol/messages.ts";
export type {
  RpcHello,
  RpcMethod,
  RpcMethods,
  RpcNotification,
  RpcNotifications,
  RpcRole,
  RpcScreen,
  RpcStateChange,
  RpcStatus,
  RpcTopic,
} from "./lib/rpc/protocol/protocol.ts";
export { attach, type AttachOptions } from "./lib/worker/attach.ts";
export { followSession, type FollowSessionOptions } from "./lib/worker/follow_session.ts";

// The health of the OpenCode server.
export {
  resolveServerAddress,
  type ResolveServerAddressOptions,
  type ServerAddress,
} from "./lib/agent/opencode/server/address.ts";
export {
  checkHealth,
  type CheckHealthOptions,
  type ServerHealth,
} from "./lib/agent/opencode/server/check_health.ts";
export {
  diagnoseServer,
  type DiagnoseServerOptions,
  type ServerDiagnosis,
  type ServerReport,
} from "./lib/agent/opencode/server/describe_server.ts";
export type {
  PermissionAction,
  PermissionConfig,
} from "./lib/agent/opencode/server/permission_rules.ts";
export { serverUnit, type ServerUnitOptions } from "./lib/agent/opencode/server/unit.ts";
export type { UnitState } from "./lib/agent/opencode/server/unit_state.ts";

// Settings: run as the command does, and look at what a run depends on.
export { runDoctor, type RunDoctorOptions } from "./lib/cli/doctor/run_doctor.ts";
export type { DoctorFinding, DoctorLevel } from "./lib/ui/report/doctor_lines.ts";
export type { RunFlags } from "./lib/cli/run/option_sources.ts";
export { type RunOptions, runOptions, type RunOptionsOptions } from "./lib/cli/run/run_options.ts";
export {
  type HookSettings,
  readSettings,
  type ReadSettingsOptions,
  type Settings,
  SettingsError,
} from "./lib/cli/run/settings.ts";
export { UsageError } from "./lib/cli/kit/usage.ts";

// Output for people: a line an event, and the words at the end.
export type { ViewCheck } from "./lib/ui/live/view_state.ts";
export { plainLines, type PlainLinesOptions } from "./lib/ui/report/plain_line.ts";
export { renderSummary, type RenderSummaryOptions } from "./lib/ui/report/summary.ts";

// `deno run -A jsr:@ralph/cli` starts this module: then it is the command.
if (import.meta.main) await import("./cli.ts").then(({ run }) => run());
