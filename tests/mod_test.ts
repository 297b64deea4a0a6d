import { assertEquals } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";

const ROOT = new URL("../", import.meta.url);

/** Modules that are parts of one other module, and mean nothing without it. */
const INTERNAL = [
  "lib/agent/claude_arguments.ts",
  "lib/agent/claude_conversation.ts",
  "lib/agent/claude_hooks.ts",
  "lib/agent/claude_message.ts",
  "lib/agent/claude_pty.ts",
  "lib/agent/claude_report.ts",
  "lib/agent/claude_settings.ts",
  "lib/agent/claude_turns.ts",
  "lib/agent/command_schema.ts",
  "lib/agent/demo_work.ts",
  "lib/agent/deploy_plugin.ts",
  "lib/agent/drain_streams.ts",
  "lib/agent/keyboard.ts",
  "lib/agent/launch_message.ts",
  "lib/agent/launchable.ts",
  "lib/agent/opencode_ending.ts",
  "lib/agent/opencode_events.ts",
  "lib/agent/opencode_feed.ts",
  "lib/agent/opencode_plugin.ts",
  "lib/agent/opencode_pty.ts",
  "lib/agent/opencode_requests.ts",
  "lib/agent/opencode_run.ts",
  "lib/agent/opencode_turns.ts",
  "lib/agent/prompt_file.ts",
  "lib/agent/run_record.ts",
  "lib/agent/screen.ts",
  "lib/agent/session_patience.ts",
  "lib/agent/session_variable.ts",
  "lib/agent/signal_folder.ts",
  "lib/agent/turn_gate.ts",
  "lib/loop/end_loop.ts",
  "lib/loop/loop_state.ts",
  "lib/loop/publish_work.ts",
  "lib/loop/read_task_prd.ts",
  "lib/loop/run_iteration.ts",
  "lib/loop/verify_iteration.ts",
  "lib/opencode/server_event.ts",
  "lib/rpc/client_stream.ts",
  "lib/rpc/delivery.ts",
  "lib/rpc/event_cursor.ts",
  "lib/rpc/event_queue.ts",
  "lib/rpc/event_ring.ts",
  "lib/rpc/event_schema.ts",
  "lib/rpc/loop_status.ts",
  "lib/rpc/notification_line.ts",
  "lib/rpc/protocol_schema.ts",
  "lib/rpc/read_frames.ts",
  "lib/rpc/screen_feed.ts",
  "lib/rpc/server_connection.ts",
  "lib/rpc/session_methods.ts",
  "lib/session/keep_copy.ts",
  "lib/session/legacy_id.ts",
  "lib/session/legacy_session.ts",
  "lib/session/local_time.ts",
  "lib/session/log_parts.ts",
  "lib/session/output_text.ts",
  "lib/session/registry_writes.ts",
  "lib/session/repair_log.ts",
  "lib/session/rotating_file.ts",
  "lib/session/session_row.ts",
  "lib/session/session_schema.ts",
  "lib/session/statements.ts",
  "lib/task/find_story_headings.ts",
  "lib/task/locate_json.ts",
  "lib/task/markdown_headings.ts",
  "lib/task/markdown_lines.ts",
  "lib/task/normalize_prd.ts",
  "lib/task/parse_progress_entry.ts",
  "lib/task/parse_story_body.ts",
  "lib/task/prd_input.ts",
  "lib/task/rotated_progress.ts",
  "lib/ui/screen_update.ts",
  "lib/ui/story_rows.ts",
  "lib/ui/view_header.ts",
  "lib/ui/view_stories.ts",
  "lib/worker/last_words.ts",
  "lib/worker/replay_log.ts",
];

Deno.test("mod.ts exports every module, or says here that it is internal", async () => {
  const exported = await exportsOf("mod.ts");
  const files: string[] = [];
  for (const file of await readdir(new URL("lib/", ROOT), { recursive: true })) {
    // The command is no part of the library, nor is what belongs to no room of it.
    if (/^(?!cli\/)\w+\/\w+\.ts$/.test(file)) files.push(`lib/${file}`);
  }
  assertEquals([...exported, ...INTERNAL].sort(), files.sort());
});

Deno.test("mod.ts does nothing but export, unless it is what was started", async () => {
  const text = await readFile(new URL("mod.ts", ROOT), "utf8");
  const [, code = ""] = text.split(/^ \*\/\n/m);
  const lines = code.replaceAll(/\{[^}]*\}/g, "{}").split("\n").filter((line) => line !== "");
  const others = lines.filter((line) => !/^export (\*|(type )?\{\}) from "\.\//.test(line));
  assertEquals(others.filter((line) => !/^(\/\/ |if \(import\.meta\.main\) )/.test(line)), []);
});

async function exportsOf(file: string): Promise<string[]> {
  const text = await readFile(new URL(file, ROOT), "utf8");
  return [...text.matchAll(/ from "\.\/(lib\/[^"]+)";$/gm)].map((match) => match[1] ?? "");
}
