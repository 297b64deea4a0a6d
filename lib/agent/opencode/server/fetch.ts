import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";

/** Options for {@linkcode serverFetch}. */
export interface ServerFetchOptions {
  /** The project: added to every request as `?directory=`. @default {none} */
  directory?: string | undefined;
  /** The user name that goes with the password. @default {"opencode"} */
  username?: string | undefined;
  /** The password of the server. @default {none} */
  password?: string | undefined;
}

/** The part of `fetch` that talking to a server needs. */
export type ServerFetch = (input: Request | URL | string, init?: RequestInit) => Promise<Response>;

/**
 * Creates a `fetch` for an OpenCode server that adds the project and the password to every request.
 *
 * Unlike Deno's global `fetch` it never uses the proxy of the environment: a proxy cannot reach a
 * server on this machine.
 *
 * @example Usage
 * ```ts ignore
 * import { serverFetch } from "./fetch.ts";
 *
 * const request = serverFetch({ directory: "/home/me/app" });
 * const sessions = await request("http://127.0.0.1:14096/session").then((it) => it.json());
 * ```
 *
 * @returns The `fetch`; it rejects if the server cannot be reached or the signal is aborted.
 */
export function serverFetch(options: ServerFetchOptions = {}): ServerFetch {
  const { directory, username = "opencode", password } = options;
  return async (input, init) => {
    const request = new Request(input, init);
    const url = new URL(request.url);
    if (directory !== undefined) url.searchParams.set("directory", directory);
    const headers = Object.fromEntries(request.headers);
    if (password !== undefined) {
      const bytes = new TextEncoder().encode(`${username}:${password}`);
      headers.authorization = `Basic ${btoa(String.fromCharCode(...bytes))}`;
    }
    const body = new Uint8Array(await request.arrayBuffer());
    if (body.length > 0) headers["content-length"] = String(body.length);
    return await send(url, { method: request.method, headers, body, signal: request.signal });
  };
}

interface Outgoing {
  method: string;
  headers: Record<string, string>;
  body: Uint8Array;
  signal: AbortSignal;
}

async function send(url: URL, { method, headers, body, signal }: Outgoing): Promise<Response> {
  signal.throwIfAborted();
  // On Node these two cost whoever imports the library more than all of its own files.
  const { request } = url.protocol === "https:"
    ? await import("node:https")
    : await import("node:http");
  return await new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // Without an agent, no idle connection keeps this process alive.
    const outgoing = request(url, { method, headers, agent: false }, (incoming) => {
      const { statusCode: status = 500, headers } = incoming;
      incoming.on("close", () => signal.removeEventListener("abort", abort));
      const empty = method === "HEAD" || status === 204 || status === 304;
      if (empty) incoming.resume();
      const stream = Readable.toWeb(incoming) as NodeReadableStream<Uint8Array<ArrayBuffer>>;
      resolve(
        new Response(empty ? null : stream as ReadableStream, {
          status,
          headers: Object.entries(headers).flatMap(([name, value]): [string, string][] =>
            value === undefined ? [] : [[name, String(value)]]
          ),
        }),
      );
    });
    const abort = () => {
      outgoing.destroy();
      reject(signal.reason);
    };
    signal.addEventListener("abort", abort, { once: true });
    outgoing.on("error", (error) => {
      signal.removeEventListener("abort", abort);
      reject(signal.aborted ? signal.reason : error);
    });
    outgoing.end(body);
  });
}
