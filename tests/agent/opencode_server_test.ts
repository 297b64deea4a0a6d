import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { join } from "node:path";
import {
  checkHealth,
  type CheckHealthOptions,
} from "../../lib/agent/opencode/server/check_health.ts";
import {
  describeServer,
  type ServerFacts,
  SETUP_COMMANDS,
} from "../../lib/agent/opencode/server/describe_server.ts";
import {
  resolveServerAddress,
  type ServerAddress,
} from "../../lib/agent/opencode/server/address.ts";
import { serverFetch } from "../../lib/agent/opencode/server/fetch.ts";
import { ensureServerPassword } from "../../lib/agent/opencode/server/password.ts";
import { serverPlist, serverUnit } from "../../lib/agent/opencode/server/unit.ts";
import {
  parseUnitState,
  readUnitState,
  type UnitState,
} from "../../lib/agent/opencode/server/unit_state.ts";
import { ralph } from "../kit/ralph_process.ts";
import { tempDir } from "../kit/testing.ts";

interface Listening extends AsyncDisposable {
  address: ServerAddress;
}

function addressOf(port: number, password?: string): ServerAddress {
  const url = `http://127.0.0.1:${port}`;
  return { url, username: "opencode", remote: false, ...(password ? { password } : {}) };
}

async function serve(answer: RequestListener, password?: string): Promise<Listening> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: addressOf((server.address() as AddressInfo).port, password),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serveSockets(onSocket: (socket: Socket) => void): Promise<Listening> {
  const sockets = new Set<Socket>();
  const server = createNetServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: addressOf((server.address() as AddressInfo).port),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const HEALTHY = JSON.stringify({ healthy: true, version: "1.18.33" });

async function healthOf(answer: RequestListener, options: CheckHealthOptions = {}) {
  await using server = await serve(answer);
  return await checkHealth(server.address, options);
}

Deno.test("checkHealth() finds a server without a password", async () => {
  const health = await healthOf((_, response) => response.end(HEALTHY));
  assertEquals(health, { kind: "ready", version: "1.18.33", secured: false });
});

Deno.test("checkHealth() sends its password only to a server that asks for one", async () => {
  const seen: (string | undefined)[] = [];
  const answer: RequestListener = (request, response) => {
    seen.push(request.headers.authorization);
    const ok = request.headers.authorization === `Basic ${btoa("opencode:secret word")}`;
    response.writeHead(ok ? 200 : 401).end(ok ? HEALTHY : "");
  };
  await using right = await serve(answer, "secret word");
  const ready = { kind: "ready", version: "1.18.33", secured: true } as const;
  assertEquals(await checkHealth(right.address), ready);
  assertEquals(seen[0], undefined);
  await using wrong = await serve(answer, "another");
  const refused = { kind: "unauthorized", passwordKnown: true } as const;
  assertEquals(await checkHealth(wrong.address), refused);
  await using none = await serve(answer);
  const unknown = { kind: "unauthorized", passwordKnown: false } as const;
  assertEquals(await checkHealth(none.address), unknown);
});

Deno.test("checkHealth() distinguishes other programs, old versions and broken servers", async () => {
  assertEquals(await healthOf((_, response) => response.end("<html>")), {
    kind: "foreign",
    detail: 'status 200, "<html>"',
  });
  assertEquals(
    (await healthOf((_, response) => response.writeHead(404).end("{}"))).kind,
    "foreign",
  );
  assertEquals((await healthOf((_, response) => response.writeHead(204).end())).kind, "foreign");
  const old = JSON.stringify({ healthy: true, version: "1.1.52" });
  assertEquals(await healthOf((_, response) => response.end(old)), {
    kind: "unsupported",
    version: "1.1.52",
  });
  const local = JSON.stringify({ healthy: true, version: "local" });
  assertEquals((await healthOf((_, response) => response.end(local))).kind, "ready");
  const ill = JSON.stringify({ healthy: false });
  assertEquals((await healthOf((_, response) => response.end(ill))).kind, "unhealthy");
  await using ssh = await serveSockets((socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"));
  assertEquals((await checkHealth(ssh.address)).kind, "foreign");
});

Deno.test("checkHealth() says that nothing listens, and waits for a server on request", async () => {
  let address: ServerAddress;
  {
    await using server = await serve((_, response) => response.end(HEALTHY));
    address = server.address;
  }
  const down = { kind: "down", detail: "connection refused" } as const;
  assertEquals(await checkHealth(address), down);
  const waiting = checkHealth(address, { downMs: 60_000, pauseMs: 10 });
  const server = createServer((_, response) => response.end(HEALTHY));
  await new Promise<void>((resolve) =>
    server.listen(Number(new URL(address.url).port), "127.0.0.1", resolve)
  );
  assertEquals((await waiting).kind, "ready");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

Deno.test("checkHealth() waits for a server that accepts connections before it answers", async () => {
  let tries = 0;
  const slow: RequestListener = (_, response) => {
    if (++tries > 2) response.end(HEALTHY);
  };
  const health = await healthOf(slow, { tryMs: 50, pauseMs: 10 });
  assertEquals([health.kind, tries], ["ready", 3]);
  const silent = await healthOf(() => {}, { tryMs: 20, startingMs: 60, pauseMs: 10 });
  assertEquals(silent, { kind: "silent" });
});

Deno.test("checkHealth() ends with its signal", async () => {
  await using server = await serve(() => {});
  const signal = AbortSignal.timeout(30);
  await assertRejects(() => checkHealth(server.address, { signal, tryMs: 5_000 }), DOMException);
});

Deno.test("FR-2: serverFetch() adds the folder to every request, encoded, and the password", async () => {
  const seen: string[] = [];
  await using server = await serve((request, response) => {
    const { searchParams } = new URL(request.url ?? "", "http://x");
    seen.push(`${request.method} ${searchParams.get("directory")} ${searchParams.get("a")}`);
    request.resume().on("end", () => response.end("ok"));
  });
  const directory = "/home/me/ä b+c&d=e%2F#x";
  const request = serverFetch({ directory, password: "x" });
  await (await request(`${server.address.url}/session?a=1`)).text();
  await (await request(`${server.address.url}/session?a=2`, { method: "POST", body: "{}" })).text();
  assertEquals(seen, [`GET ${directory} 1`, `POST ${directory} 2`]);
});

Deno.test("resolveServerAddress() takes the environment, then the settings, then opencode.env", async () => {
  await using dir = await tempDir();
  const configDir = dir.path;
  await writeFile(join(configDir, "opencode.env"), "# mine\nOPENCODE_SERVER_PASSWORD='a b'\n");
  assertEquals(await resolveServerAddress({ env: {}, configDir }), {
    url: "http://127.0.0.1:14096",
    username: "opencode",
    password: "a b",
    remote: false,
  });
  const env = {
    RALPH_OPENCODE_URL: "https://me:pw@box.example:8443/",
    OPENCODE_SERVER_PASSWORD: "other",
  };
  assertEquals(await resolveServerAddress({ env, configDir, url: "http://localhost:1" }), {
    url: "https://box.example:8443",
    username: "me",
    password: "other",
    remote: true,
  });
  await assertRejects(
    () => resolveServerAddress({ env: {}, url: "14096" }),
    TypeError,
    'Cannot use OpenCode server "14096": expected a URL such as http://127.0.0.1:14096',
  );
});

const INACTIVE: UnitState = {
  kind: "installed",
  active: "inactive",
  result: "success",
  pid: null,
  restarts: 0,
  file: "/home/me/.config/systemd/user/opencode.service",
  enabled: true,
};

function report(facts: Partial<ServerFacts>) {
  return describeServer({
    health: { kind: "down", detail: "connection refused" },
    unit: INACTIVE,
    address: addressOf(14096),
    ...facts,
  });
}

Deno.test("US-005: describeServer() has a separate hint for each state of the server", () => {
  const start = "Start with: systemctl --user start opencode";
  assertEquals(report({}), {
    level: "problem",
    message: "installed but not running",
    hints: [start],
  });
  const missing = report({ unit: { kind: "not_installed" } });
  assertStringIncludes(missing.message, "not installed");
  assertEquals(missing.hints.length, 4);
  assertEquals(missing.hints.at(-1), start);
  const container = report({ unit: { kind: "unavailable", reason: "no bus" } });
  assertEquals(container.hints, [
    `${start}, or without systemd: opencode serve --port 14096`,
  ]);
  const mac = { unit: { kind: "unavailable", reason: "-" }, platform: "darwin" } as const;
  assertEquals(report(mac).hints[0], "ralph systemd print opencode --launchd");
  const failed = { ...INACTIVE, active: "failed", result: "exit-code" } as const;
  assertEquals(report({ unit: failed }).message, "installed but failed (exit-code)");
  const again = { ...INACTIVE, active: "restarting", restarts: 3 } as const;
  assertStringIncludes(report({ unit: again }).message, "systemd restarts it (3 times)");
  const starting = { ...INACTIVE, active: "starting" } as const;
  assertEquals(report({ unit: starting }).message, "still starting");

  const foreign = report({ health: { kind: "foreign", detail: "status 200" } });
  assertStringIncludes(foreign.message, "port 14096 is taken by something else");
  assertStringIncludes(foreign.hints[0] ?? "", "ss -ltnp 'sport = :14096'");
  const other = report({ health: { kind: "unauthorized", passwordKnown: true } });
  assertStringIncludes(other.message, "with a different password (401)");
  const unknown = report({ health: { kind: "unauthorized", passwordKnown: false } });
  assertStringIncludes(unknown.message, "a password that is not known here (401)");
  const old = report({ health: { kind: "unsupported", version: "1.0.1" } });
  assertStringIncludes(old.message, "version 1.0.1 at http://127.0.0.1:14096 is too old");

  const health = { kind: "ready", version: "1.18.33", secured: true } as const;
  assertEquals(report({ health, unit: { ...INACTIVE, active: "active" } }), {
    level: "ok",
    message: "1.18.33 at http://127.0.0.1:14096",
    hints: [],
  });
  assertStringIncludes(report({ health }).message, "started by hand and not by systemd");
  const open = report({ health: { ...health, secured: false } });
  assertEquals(open.level, "warning");
  assertStringIncludes(open.message, "any local user can run commands through port 14096");
  assertEquals(open.hints, ["ralph systemd print opencode --with-password"]);

  const address = { ...addressOf(1), url: "http://box:4096", remote: true };
  assertStringIncludes(report({ address }).hints[0] ?? "", "RALPH_OPENCODE_URL");
});

Deno.test("parseUnitState() reads what systemctl prints", () => {
  assertEquals(parseUnitState("LoadState=not-found\nActiveState=inactive\n"), {
    kind: "not_installed",
  });
  const lines = [
    "Result=exit-code",
    "NRestarts=2",
    "MainPID=0",
    "LoadState=loaded",
    "ActiveState=activating",
    "SubState=auto-restart",
    "FragmentPath=/u/opencode.service",
    "UnitFileState=enabled",
  ];
  assertEquals(parseUnitState(lines.join("\n")), {
    kind: "installed",
    active: "restarting",
    result: "exit-code",
    pid: null,
    restarts: 2,
    file: "/u/opencode.service",
    enabled: true,
  });
});

Deno.test("readUnitState() reports that there is no systemd, or the message of systemd", async () => {
  await using dir = await tempDir();
  const none = await readUnitState({ env: { PATH: dir.path } });
  assertEquals(none, { kind: "unavailable", reason: "systemctl is not installed" });
  const program = join(dir.path, "systemctl");
  await writeFile(program, "#!/bin/sh\necho 'Failed to connect to bus' >&2\nexit 1\n");
  await chmod(program, 0o755);
  const broken = await readUnitState({ env: { PATH: `${dir.path}:/usr/bin:/bin` } });
  assertEquals(broken, { kind: "unavailable", reason: "Failed to connect to bus" });
});

Deno.test("serverUnit() is the unit in the repository, with the path of the program", async () => {
  const file = new URL("../../systemd/opencode.service", import.meta.url);
  assertEquals(serverUnit(), await readFile(file, "utf8"));
  const unit = serverUnit({ program: "/opt/a b/100%/opencode", port: 4096, path: "/bin:/a b" });
  assertMatch(unit, /^ExecStart="\/opt\/a b\/100%%\/opencode" serve --port 4096$/m);
  assertMatch(unit, /^Environment="PATH=\/bin:\/a b"$/m);
});

Deno.test("serverPlist() is valid XML for all paths", () => {
  const plist = serverPlist({ program: "/a & b/opencode", path: "/<bin>" });
  assertStringIncludes(plist, "<string>/a &amp; b/opencode</string>");
  assertStringIncludes(plist, "<string>/&lt;bin&gt;</string>");
});

Deno.test("ensureServerPassword() creates a file that only its owner can read, and keeps a password", async () => {
  await using dir = await tempDir();
  const configDir = join(dir.path, "ralph");
  const { file, created } = await ensureServerPassword(configDir);
  assert(created);
  const text = await readFile(file, "utf8");
  assertMatch(text, /^OPENCODE_SERVER_PASSWORD=[\w-]{32}\n$/);
  assertEquals((await stat(file)).mode & 0o777, 0o600);
  assertEquals((await stat(configDir)).mode & 0o777, 0o700);
  await chmod(file, 0o644);
  assertEquals(await ensureServerPassword(configDir), { file, created: false });
  assertEquals(await readFile(file, "utf8"), text);
  assertEquals((await stat(file)).mode & 0o777, 0o600);
});

Deno.test("US-011: ralph systemd says how the server is set up, and prints no other unit", async () => {
  await using dir = await tempDir();
  const options = { cwd: dir.path, home: dir.path };
  const help = await ralph(["systemd", "--help"], options);
  for (const words of [...SETUP_COMMANDS, "start", "stop", "status", "enable"]) {
    assertStringIncludes(help.stdout, words.includes(" ") ? words : `systemctl --user ${words}`);
  }
  assertStringIncludes(help.stdout, "loginctl enable-linger $USER");
  const unit = await ralph(["systemd", "print", "opencode", "--port", "4096"], options);
  assertEquals(unit.code, 0);
  assertMatch(unit.stdout, /^ExecStart=\S+ serve --port 4096$/m);
  const other = await ralph(["systemd", "print", "nginx"], options);
  assertEquals(other.code, 2);
  assertStringIncludes(other.stderr, 'error: Unknown unit "nginx" for ralph systemd print');
});
