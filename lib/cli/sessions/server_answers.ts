import { get } from "node:http";

/** Options for {@linkcode serverAnswers}. */
export interface ServerAnswersOptions {
  /** How long to wait for an answer, in milliseconds. @default {300} */
  timeoutMs?: number;
}

/**
 * Whether an OpenCode server responds at a port of this machine. Any response counts: a server with
 * a password answers 401, but it is there.
 */
export function serverAnswers(port: number, options: ServerAnswersOptions = {}): Promise<boolean> {
  const { timeoutMs = 300 } = options;
  return new Promise((resolve) => {
    // Not fetch(): it would use the environment's proxy, and a proxy always answers.
    const request = get({ host: "127.0.0.1", port, path: "/global/health", agent: false });
    // The request's own time limit only covers silence.
    const timer = setTimeout(() => end(false), timeoutMs);
    const end = (answers: boolean) => {
      clearTimeout(timer);
      request.destroy();
      resolve(answers);
    };
    request.on("response", () => end(true)).on("error", () => end(false));
  });
}
