import { connectSession } from "../../rpc/client/connect_session.ts";
import type { SessionClient } from "../../rpc/client/session_client.ts";
import type { Registry } from "../../session/registry/registry.ts";
import type { Session } from "../../session/model/session.ts";
import type { SessionPaths } from "../../session/model/session_paths.ts";
import { ATTACH_HELP, attachLine, type AttachState } from "../../ui/live/attach_line.ts";
import type { ControlRequest } from "../../worker/control_file.ts";
import { followSession } from "../../worker/follow_session.ts";
import { steer } from "../../worker/steer.ts";
import type { CommandContext } from "../kit/command.ts";
import { readTerminal } from "../terminal/read_keys.ts";
import { showRun } from "../run/show_run.ts";

/** Options for {@linkcode attachScreen}. */
export interface AttachScreenOptions {
  /** The registry. */
  registry: Registry;
  /** Where ralph keeps its files. */
  paths: SessionPaths;
  /** Whether to only watch. @default {false} */
  observe?: boolean | undefined;
}

const PREFIX = "\x1d";
const ENTER_SCREEN = "\x1b[?1049h\x1b[2J";
/** Resets everything that a program may have set on the terminal, and leaves the second screen. */
const LEAVE_SCREEN =
  "\x1b[0m\x1b[r\x1b[?25h\x1b[?1l\x1b>\x1b[?7h\x1b[?1000l\x1b[?1002l\x1b[?1003l" +
  "\x1b[?1004l\x1b[?1006l\x1b[?2004l\x1b[<u\x1b[?1049l";

/** Connects to the terminal of a running session's agent; `undefined` if it has no terminal. */
export async function connectScreen(
  session: Session,
  observe: boolean,
): Promise<SessionClient | undefined> {
  if (session.socket === null) return undefined;
  const role = observe ? "observe" : "control";
  const client = await connectSession(session.socket, { role, client: "ralph attach" });
  const { screen } = await client.call("get_screen");
  if (screen !== null) return client;
  await client[Symbol.asyncDispose]();
  return undefined;
}

/**
 * Shows the terminal of a running agent as it is now, lets the user type into it and hand it back,
 * and restores this terminal on every way out.
 *
 * @param client Its client, from {@linkcode connectScreen}; it is disposed of.
 * @returns The loop's exit code, or 0 if the session was left.
 */
export async function attachScreen(
  context: CommandContext,
  session: Session,
  client: SessionClient,
  options: AttachScreenOptions,
): Promise<number> {
  await using _client = client;
  const { registry, paths, observe = false } = options;
  const { stdout } = context;
  const status = await client.call("get_status");
  const state: AttachState = {
    task: session.task,
    iteration: status.iteration,
    agent: status.agent,
    mode: observe ? "observe" : status.interactive_mode ? "interactive" : "watch",
    startedAt: Date.parse(session.startedAt),
    ...(status.current_story === null ? {} : { story: status.current_story }),
  };
  const left = new AbortController();
  const output = showRun(context, { task: session.task, session: session.id, quiet: true });
  {
    using _screen = openScreen(context);
    const draw = (): void => drawLine(context, state);
    const fit = (): void => {
      const { columns = 80, rows = 24 } = stdout;
      if (!observe) {
        // A lost connection does not concern the size: the events say why it was lost.
        client.call("resize_pty", { columns, rows: Math.max(1, rows - 1) }).catch(() => {});
      }
      draw();
    };
    using _feed = await client.subscribe(["screen"], (notification) => {
      if (notification.type !== "screen") return;
      stdout.raw.write(notification.data.data);
      draw();
    });
    stdout.on("resize", fit);
    const clock = setInterval(draw, 1_000);
    const steering = (request: ControlRequest) => steer(session, request, { paths, client });
    const handle = keyHandler(client, { state, draw, leave: () => left.abort(), steering });
    using _keys = readTerminal(handle);
    fit();
    try {
      const since = client.session.last_seq;
      const events = followSession(session.id, { registry, paths, since, signal: left.signal });
      for await (const { event } of events) {
        output.write(event);
        if (event.type !== "iteration_started") continue;
        state.iteration = event.iteration;
        state.agent = event.agent;
        state.story = event.story.id;
        draw();
      }
    } catch (error) {
      if (!left.signal.aborted) throw error;
    } finally {
      clearInterval(clock);
      stdout.off("resize", fit);
    }
  }
  if (output.result !== undefined) return output.finish();
  stdout.write(
    left.signal.aborted
      ? `Left ${session.task}; it keeps running in the background.\n`
      : `Session ended: ${registry.getSession(session.id)?.endReason ?? "no reason"}\n`,
  );
  return left.signal.aborted ? 0 : 1;
}

function openScreen({ stdout }: CommandContext): Disposable {
  stdout.raw.write(ENTER_SCREEN);
  return { [Symbol.dispose]: () => void stdout.raw.write(LEAVE_SCREEN) };
}

/** Draws the last line of the terminal, and keeps the position and colours of the cursor. */
function drawLine({ stdout }: CommandContext, state: AttachState): void {
  const { columns = 80, rows = 24 } = stdout;
  const line = attachLine(state, { columns, now: Date.now() });
  stdout.raw.write(`\x1b7\x1b[${rows};1H\x1b[0;7m${line}\x1b[0m\x1b8`);
}

/** What typed keys do: go to the agent while a person has taken control, or command the loop. */
function keyHandler(
  client: SessionClient,
  { state, draw, leave, steering }: {
    state: AttachState;
    draw: () => void;
    leave: () => void;
    steering: (request: ControlRequest) => Promise<void>;
  },
): (text: string) => void {
  let prefixed = false;
  let prompt: string | undefined;
  const say = (message: string | undefined): void => {
    if (message === undefined) delete state.message;
    else state.message = message;
    draw();
  };
  const ask = (work: Promise<unknown>): void =>
    void work.catch((error: Error) => say(error.message));
  const command = (key: string): void => {
    if (key === "d") return leave();
    if (key === "?") return say(ATTACH_HELP);
    if (state.mode === "observe") return say("This client only observes.");
    if (key === "i") {
      const enabled = state.mode !== "interactive";
      state.mode = enabled ? "interactive" : "watch";
      ask(client.call("set_interactive_mode", { enabled }));
    } else if (key === "s") ask(steering({ kind: "stop", reason: "SIGINT" }));
    else if (key === "c") ask(steering({ kind: "checkpoint", reason: "a key in the view" }));
    else if (key === "r") ask(steering({ kind: "retry" }));
    else if (key === "p") prompt = "";
    else if (key === PREFIX) ask(client.call("write_pty", { data: PREFIX }));
    say(prompt === undefined ? undefined : "For the next prompt (Enter sends, Esc does not): ");
  };
  const type = (text: string): void => {
    if (text === "\x1b") prompt = undefined;
    else if (text === "\r" || text === "\n") {
      if (prompt) ask(client.call("inject_prompt", { prompt }));
      prompt = undefined;
    } else if (text === "\x7f") prompt = prompt?.slice(0, -1);
    else prompt += text.replace(/\p{Cc}/gu, "");
    say(prompt === undefined ? undefined : `For the next prompt: ${prompt}`);
  };
  return (text) => {
    // A command is one key after the prefix; the rest of the same input is typed after it.
    let rest = text;
    while (rest !== "") {
      if (prefixed) {
        prefixed = false;
        command(rest.slice(0, 1));
        rest = rest.slice(1);
        continue;
      }
      const at = rest.indexOf(PREFIX);
      const typed = at === -1 ? rest : rest.slice(0, at);
      rest = at === -1 ? "" : rest.slice(at + 1);
      prefixed = at !== -1;
      if (typed === "") continue;
      if (prompt !== undefined) type(typed);
      else if (state.mode === "interactive") ask(client.call("write_pty", { data: typed }));
      else say(undefined);
    }
  };
}
