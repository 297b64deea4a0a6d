import { get } from "node:http";

/** Options for {@linkcode serverAnswers}. */
export interface ServerAnswersOptions {
  /** How long to wait for an answer, in milliseconds. @default {300} */
  timeoutMs?: number;
}

/**
 * Asks whether an OpenCode server answers at a port of this machine. Any answer will
 * do: a server with a password says 401, and is there all the same.
 *
 * @param port The port.
 * @param options Additional options.
 * @returns Whether it does.
 */
export function serverAnswers(port: number, options: ServerAnswersOptions = {}): Promise<boolean> {
  const { timeoutMs = 300 } = options;
  return new Promise((resolve) => {
    // Not fetch(): it would ask the proxy of the environment, and a proxy always answers.
    const request = get({ host: "127.0.0.1", port, path: "/global/health", agent: false });
    // The time limit of the request itself only counts silence.
    const timer = setTimeout(() => end(false), timeoutMs);
    const end = (answers: boolean) => {
      clearTimeout(timer);
      request.destroy();
      resolve(answers);
    };
    request.on("response", () => end(true)).on("error", () => end(false));
  });
}
