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
 * const record = progressSink({ task });
 * for await (const event of runLoop({ task, agents: createAgents() })) {
 *   await record(event);
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
export * from "./lib/task/progress/append_progress.ts";
export * from "./lib/git/branch_name.ts";
export * from "./lib/task/prompt/build_prompt.ts";
export * from "./lib/task/prompt/prompt_template.ts";
export * from "./lib/git/changes_between.ts";
export * from "./lib/task/prd/check_prd.ts";
export * from "./lib/git/clear_stale_lock.ts";
export * from "./lib/task/markdown/convert_prd.ts";
export * from "./lib/task/progress/progress_entry.ts";
export * from "./lib/task/prd/edit_json.ts";
export * from "./lib/task/prd/edit_prd.ts";
export * from "./lib/base/error_code.ts";
export * from "./lib/task/prd/find_circle.ts";
export * from "./lib/git/find_git_root.ts";
export * from "./lib/task/progress/format_progress_entry.ts";
export * from "./lib/git/git_snapshot.ts";
export * from "./lib/git/run_git.ts";
export * from "./lib/task/prd/locate_json.ts";
export * from "./lib/task/list_tasks.ts";
export * from "./lib/base/local_time.ts";
export * from "./lib/task/markdown/merge_prd.ts";
export * from "./lib/base/nearest_name.ts";
export * from "./lib/git/parse_git_status.ts";
export * from "./lib/task/prd/parse_prd.ts";
export * from "./lib/task/markdown/parse_prd_markdown.ts";
export * from "./lib/task/progress/parse_progress.ts";
export * from "./lib/task/prd/prd.ts";
export * from "./lib/task/prd/prd_reader.ts";
export * from "./lib/loop/branch/prepare_branch.ts";
export * from "./lib/task/markdown/parse_story_body.ts";
export * from "./lib/task/prd/read_prd.ts";
export * from "./lib/task/resolve_task.ts";
export * from "./lib/task/progress/rotate_progress.ts";
export * from "./lib/task/task.ts";
export * from "./lib/task/task_name.ts";
export * from "./lib/base/write_atomic.ts";
export { PRD_SCHEMA_ID, prdJsonSchema } from "./lib/task/prd/prd_schema.ts";
export * from "./lib/agent/opencode/server/check_health.ts";
export * from "./lib/agent/opencode/server/describe_server.ts";
export * from "./lib/agent/opencode/server/follow_events.ts";
export * from "./lib/agent/opencode/server/judge_session.ts";
export * from "./lib/agent/opencode/server/opencode_client.ts";
export * from "./lib/agent/opencode/server/parse_env_file.ts";
export * from "./lib/agent/opencode/server/permission_rules.ts";
export * from "./lib/agent/opencode/server/address.ts";
export * from "./lib/agent/opencode/server/fetch.ts";
export * from "./lib/agent/opencode/server/password.ts";
export * from "./lib/agent/opencode/server/event.ts";
export * from "./lib/agent/opencode/server/unit.ts";
export * from "./lib/agent/opencode/server/unit_state.ts";
export * from "./lib/agent/agent.ts";
export * from "./lib/event/agent_event.ts";
export * from "./lib/agent/create_agents.ts";
export * from "./lib/agent/agent_environment.ts";
export * from "./lib/agent/agent_terminal.ts";
export * from "./lib/agent/pty/keyboard.ts";
export * from "./lib/base/bounded_lines.ts";
export * from "./lib/base/bounded_queue.ts";
export * from "./lib/agent/ending/classify_ending.ts";
export * from "./lib/agent/claude/claude.ts";
export type { ClaudeOptions } from "./lib/agent/claude/options.ts";
export * from "./lib/agent/claude/messages.ts";
export * from "./lib/agent/clean_up_pty.ts";
export * from "./lib/agent/command/command.ts";
export * from "./lib/agent/command/command_config.ts";
export * from "./lib/base/cut_text.ts";
export * from "./lib/agent/demo/demo.ts";
export * from "./lib/base/end_processes.ts";
export * from "./lib/agent/ending/ending_of_signal.ts";
export * from "./lib/base/find_program.ts";
export * from "./lib/agent/process/in_process_run.ts";
export * from "./lib/agent/process/run_record.ts";
export * from "./lib/base/mask_secrets.ts";
export * from "./lib/agent/opencode/opencode.ts";
export * from "./lib/agent/claude/events.ts";
export * from "./lib/agent/ending/parse_reset_time.ts";
export * from "./lib/agent/process/probe_program.ts";
export * from "./lib/agent/pty/pty.ts";
export * from "./lib/agent/pty/pty_turns.ts";
export * from "./lib/agent/process/run_agent_process.ts";
export * from "./lib/agent/pty/run_pty.ts";
export * from "./lib/base/run_program.ts";
export * from "./lib/base/tail_file.ts";
export * from "./lib/agent/tool_detail.ts";
export * from "./lib/event/usage.ts";
export * from "./lib/base/backoff.ts";
export * from "./lib/loop/decide/choose_agent.ts";
export * from "./lib/loop/decide/choose_story.ts";
export * from "./lib/loop/decide/failover.ts";
export * from "./lib/loop/loop_control.ts";
export * from "./lib/event/loop_event.ts";
export * from "./lib/loop/loop_options.ts";
export * from "./lib/loop/start/preflight.ts";
export * from "./lib/loop/start/probe_agents.ts";
export * from "./lib/loop/start/probe_folder.ts";
export * from "./lib/task/progress/progress_sink.ts";
export * from "./lib/loop/branch/publish_branch.ts";
export * from "./lib/loop/branch/pull_request.ts";
export * from "./lib/loop/decide/limits.ts";
export * from "./lib/loop/run_check.ts";
export * from "./lib/loop/run_loop.ts";
export * from "./lib/loop/wait_until.ts";
export * from "./lib/loop/watch_agent.ts";
export {
  AgentNotReadyError,
  DEFAULT_FAILOVER,
  NoStoriesError,
} from "./lib/loop/start/start_loop.ts";
export * from "./lib/session/model/legacy_layout.ts";
export * from "./lib/base/lock.ts";
export * from "./lib/event/numbered_event.ts";
export * from "./lib/session/registry/open_registry.ts";
export * from "./lib/base/process_identity.ts";
export * from "./lib/session/log/read_session_log.ts";
export * from "./lib/session/recorder.ts";
export * from "./lib/session/registry/registry.ts";
export * from "./lib/session/registry/registry_error.ts";
export * from "./lib/session/model/session.ts";
export * from "./lib/session/log/session_log.ts";
export * from "./lib/session/model/session_paths.ts";
export type { FindSessionsOptions } from "./lib/session/registry/find_sessions_query.ts";
export type { MigrateOptions } from "./lib/session/legacy/migrate.ts";
export type { Migration } from "./lib/session/legacy/migrations.ts";
export type { TakeOverOptions } from "./lib/session/legacy/take_over.ts";
export * from "./lib/rpc/client/connect_session.ts";
export * from "./lib/rpc/protocol/frames.ts";
export * from "./lib/rpc/protocol/messages.ts";
export * from "./lib/rpc/protocol/protocol.ts";
export * from "./lib/rpc/client/session_client.ts";
export * from "./lib/rpc/server/session_hub.ts";
export * from "./lib/rpc/server/session_server.ts";
export * from "./lib/rpc/server/socket_path.ts";
export * from "./lib/rpc/client/transports.ts";
export { type RpcCallOptions, RpcConnectionError } from "./lib/rpc/client/rpc_channel.ts";
export type { RpcLinkOptions } from "./lib/rpc/client/rpc_link.ts";
export type { ServedSession } from "./lib/rpc/server/session_hub.ts";
export * from "./lib/worker/control_file.ts";
export * from "./lib/worker/follow_session.ts";
export * from "./lib/worker/hook_sink.ts";
export * from "./lib/worker/recover_sessions.ts";
export * from "./lib/worker/run_session.ts";
export * from "./lib/worker/start_worker.ts";
export * from "./lib/worker/stop_session.ts";
export * from "./lib/ui/text/agent_lines.ts";
export * from "./lib/ui/live/attach_line.ts";
export * from "./lib/ui/text/display_width.ts";
export * from "./lib/ui/report/doctor_lines.ts";
export * from "./lib/ui/text/times.ts";
export * from "./lib/ui/text/numbers.ts";
export * from "./lib/ui/report/history_table.ts";
export * from "./lib/ui/report/iteration_table.ts";
export * from "./lib/ui/live/live_view.ts";
export * from "./lib/ui/report/log_lines.ts";
export * from "./lib/ui/report/plain_line.ts";
export * from "./lib/ui/live/reduce_view.ts";
export * from "./lib/ui/live/render_view.ts";
export * from "./lib/ui/text/sanitize_text.ts";
export * from "./lib/ui/report/session_details.ts";
export * from "./lib/ui/report/status_table.ts";
export * from "./lib/ui/live/story_rows.ts";
export * from "./lib/ui/text/style.ts";
export * from "./lib/ui/report/summary.ts";
export * from "./lib/ui/text/table.ts";
export * from "./lib/ui/live/view_state.ts";

// `deno run -A jsr:@ralph/cli` starts this module: then it is the command.
if (import.meta.main) await import("./cli.ts").then(({ run }) => run());
