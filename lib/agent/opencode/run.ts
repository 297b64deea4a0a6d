import { basename } from "node:path";
import { judgeSession } from "./server/judge_session.ts";
import type { OpencodePrompt, ProjectClient } from "./server/opencode_client.ts";
import type { PermissionRule } from "./server/permission_rules.ts";
import type { ServerError, ServerEvent } from "./server/event.ts";
import type { AgentCommand, AgentStartOptions } from "../agent.ts";
import type { AgentEnding, AgentEvent, Denial } from "../../event/agent_event.ts";
import { cutText } from "../../base/cut_text.ts";
import { endingOfDenials, endingOfRetry, endingOfServerError } from "./ending.ts";
import { isFromPerson, messageEvents, newOpencodeState, opencodeEvents } from "./events.ts";
import { type FeedItem, opencodeFeed } from "./feed.ts";
import { answerPermission, answerQuestion } from "./requests.ts";
import { SessionPatience } from "./session_patience.ts";
import { sessionEvent } from "../session_event.ts";

/** Options for {@linkcode OpencodeRun}. */
export interface OpencodeRunOptions {
  /** The project on the server. */
  project: ProjectClient;
  /** What the session may do, in addition to the server's own config. */
  rules: readonly PermissionRule[];
  /** The options of its prompt. */
  prompt: OpencodePrompt;
  /** How long a person must be quiet before the run continues, in milliseconds. */
  quietMs: number;
  /** How many attempts in a row to reach the server may fail. */
  maxMisses: number;
  /** The pause between two such attempts, in milliseconds. */
  pauseMs: number;
  /** The clock, in milliseconds since the epoch. */
  now: () => number;
}

type Steps = AsyncGenerator<AgentEvent, AgentEnding | undefined, void>;

const REQUEST_MS = 10_000;
const CREATE_MS = 60_000;
/** After a stop, everything must have ended within a second. */
const ABORT_MS = 800;

const LOST: AgentEnding = {
  kind: "error",
  message: "The OpenCode server was ended in the middle of the turn",
};

/** One run of the agent `opencode`: one session on the server, from its prompt to its end. */
export class OpencodeRun {
  readonly #start: AgentStartOptions;
  readonly #options: OpencodeRunOptions;
  readonly #project: ProjectClient;
  readonly #state;
  readonly #patience: SessionPatience;
  readonly #denials: Denial[] = [];
  #sessionID: string | undefined;
  /** The error that the session reported in this turn. */
  #error: ServerError | undefined;
  #saidPerson = false;

  /**
   * Creates a run, without sending anything yet.
   *
   * @param start The options of the agent's start.
   * @param options The server and the rules.
   */
  constructor(start: AgentStartOptions, options: OpencodeRunOptions) {
    this.#start = start;
    this.#options = options;
    this.#project = options.project;
    this.#state = newOpencodeState(start.cwd);
    this.#patience = new SessionPatience(options);
  }

  /** Sends a command to the running session. */
  async send(command: AgentCommand): Promise<boolean> {
    const id = this.#sessionID;
    if (id === undefined) return false;
    if (command.kind === "interrupt") {
      this.#patience.hold();
      await this.#project.abort(id, AbortSignal.timeout(REQUEST_MS));
      return true;
    }
    const prompt = { ...this.#options.prompt, text: command.text };
    this.#state.ours.add(await this.#project.prompt(id, prompt, AbortSignal.timeout(REQUEST_MS)));
    this.#resume();
    return true;
  }

  /** A person takes over or gives back; while taken over, the run does not end. */
  setInteractive(enabled: boolean): void {
    this.#patience.setInteractive(enabled);
  }

  /** Runs it: yields events, and returns how it ended. */
  async *run(signal: AbortSignal): AsyncGenerator<AgentEvent, AgentEnding, void> {
    const { maxMisses, pauseMs } = this.#options;
    const { address, fetch } = this.#project;
    const onDelta = (sessionID: string) => {
      if (this.#state.sessions.has(sessionID)) this.#start.onOutput?.();
    };
    let over = false;
    try {
      const options = { fetch, maxMisses, pauseMs, signal, onDelta };
      for await (const item of opencodeFeed(address.url, options)) {
        const ending = yield* this.#take(item, signal);
        if (ending === undefined) continue;
        over = ending.kind === "ok" || ending.kind === "denied";
        return ending;
      }
      return LOST;
    } finally {
      // In any case, stop the session: nothing must keep working unwatched.
      if (!over && this.#sessionID !== undefined) {
        const limit = AbortSignal.timeout(ABORT_MS);
        await this.#project.abort(this.#sessionID, limit).catch(() => {});
      }
    }
  }

  async *#take(item: FeedItem, signal: AbortSignal): Steps {
    switch (item.kind) {
      case "connected":
        if (this.#sessionID === undefined) yield* this.#begin(signal);
        else yield* this.#catchUp(signal);
        break;
      case "disconnected":
        yield { kind: "error", message: `Lost the OpenCode server: ${item.reason}; trying again` };
        break;
      case "gone": {
        const { error } = item;
        return { kind: "error", message: error instanceof Error ? error.message : String(error) };
      }
      case "event": {
        yield* opencodeEvents(item.event, this.#state);
        const ending = yield* this.#react(item.event);
        if (ending !== undefined) return ending;
        break;
      }
      case "tick":
        break;
    }
    return this.#patience.isDue(performance.now()) ? yield* this.#look(signal) : undefined;
  }

  async *#begin(signal: AbortSignal): AsyncGenerator<AgentEvent, void, void> {
    const { rules, prompt } = this.#options;
    const { story, taskDir, iteration, model } = this.#start;
    const which = iteration === undefined ? "" : `, iteration ${iteration}`;
    const title = `${basename(taskDir)} ${story.id}${which}: ${story.title}`;
    const within = () => AbortSignal.any([signal, AbortSignal.timeout(CREATE_MS)]);
    const { id } = await this.#project.createSession(title, rules, within());
    this.#sessionID = id;
    this.#state.sessions.add(id);
    yield sessionEvent(id, model);
    this.#state.ours.add(await this.#project.prompt(id, prompt, within()));
    this.#patience.prompted(performance.now());
  }

  /** After a gap: missed events are recovered from the messages and the open requests. */
  async *#catchUp(signal: AbortSignal): AsyncGenerator<AgentEvent, void, void> {
    this.#patience.reconnected();
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    try {
      const { messages } = await this.#project.readState(this.#sessionID ?? "", limited);
      for (const message of messages) yield* messageEvents(message, this.#state);
      const { permissions, questions } = await this.#project.readRequests(limited);
      for (const properties of permissions) {
        yield* this.#react({ type: "permission.asked", properties });
      }
      for (const properties of questions) {
        yield* this.#react({ type: "question.asked", properties });
      }
    } catch {
      // The next check of the session, or the lost connection, reports the problem.
      signal.throwIfAborted();
    }
  }

  async *#react(event: ServerEvent): Steps {
    const id = this.#sessionID;
    switch (event.type) {
      case "session.status": {
        const { sessionID, status } = event.properties;
        if (sessionID !== id || status.type === "idle") break;
        this.#resume();
        if (status.type === "busy") break;
        const { attempt, message } = status;
        yield { kind: "error", message: cutText(`Request failed: ${message} (try ${attempt})`) };
        return endingOfRetry(status, this.#options.now());
      }
      case "session.idle":
        if (event.properties.sessionID === id) this.#patience.stirred();
        break;
      case "session.error":
        if (event.properties.sessionID !== id) break;
        this.#error = event.properties.error;
        this.#patience.stirred();
        break;
      case "message.part.updated":
        // A person's message begins a new turn, which clears the failure of the last one.
        if (isFromPerson(event.properties.part, id, this.#state)) this.#resume();
        break;
      case "permission.asked":
        if (!this.#state.sessions.has(event.properties.sessionID)) break;
        for (const each of await answerPermission(event.properties, this.#options)) {
          if (each.kind === "denial") this.#denials.push(each.denial);
          yield each;
        }
        break;
      case "question.asked":
        if (!this.#state.sessions.has(event.properties.sessionID)) break;
        yield* await answerQuestion(event.properties, this.#options);
        break;
      case "session.created":
      case "message.updated":
        break;
    }
    return undefined;
  }

  #resume(): void {
    this.#error = undefined;
    this.#patience.resumed(performance.now());
  }

  async *#look(signal: AbortSignal): Steps {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]);
    let facts: Awaited<ReturnType<ProjectClient["readState"]>>;
    try {
      facts = await this.#project.readState(this.#sessionID ?? "", limited);
    } catch {
      signal.throwIfAborted();
      this.#patience.failed(performance.now());
      return undefined;
    }
    const verdict = judgeSession({ ...facts, ours: this.#state.ours, error: this.#error });
    const decision = this.#patience.judge(verdict, performance.now());
    if (decision === "person" && !this.#saidPerson) {
      this.#saidPerson = true;
      yield { kind: "text", text: "Somebody uses the session; waiting until they are done" };
    }
    if (decision !== "over") return undefined;
    switch (verdict.kind) {
      case "working":
        return undefined;
      case "finished":
        return endingOfDenials(this.#denials);
      case "failed":
        return endingOfServerError(verdict.error, this.#options.now());
      case "interrupted":
        return { kind: "error", message: "Interrupted by somebody in the session" };
      case "lost":
        return LOST;
    }
  }
}
