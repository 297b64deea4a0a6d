/** Options for {@linkcode serverUnit} and {@linkcode serverPlist}. */
export interface ServerUnitOptions {
  /** The program of OpenCode, an absolute path. @default {"%h/.opencode/bin/opencode"} */
  program?: string | undefined;
  /** The port. @default {14096} */
  port?: number | undefined;
  /** The PATH of the server and of everything that its agents run. @default {systemd's PATH} */
  path?: string | undefined;
  /** The file with the password, an absolute path. @default {"%h/.config/ralph/opencode.env"} */
  envFile?: string | undefined;
}

/**
 * Generates the systemd user unit of the OpenCode server.
 *
 * @example Usage
 * ```ts
 * import { serverUnit } from "@ralph/cli";
 *
 * const unit = serverUnit({ program: "/usr/local/bin/opencode" });
 * console.assert(unit.includes("ExecStart=/usr/local/bin/opencode serve --port 14096\n"));
 * ```
 *
 * @param options What differs from machine to machine.
 * @returns The text of `opencode.service`.
 */
export function serverUnit(options: ServerUnitOptions = {}): string {
  const { program, port = 14096, path, envFile } = options;
  const variables = envFile === undefined ? "%h/.config/ralph/opencode.env" : quote(envFile);
  const command = program === undefined ? "%h/.opencode/bin/opencode" : quote(program);
  const environment = path === undefined ? "" : `Environment=${quote(`PATH=${path}`)}\n`;
  return `# One OpenCode server for all projects, as a systemd user service. Set up once with:
#   mkdir -p ~/.config/systemd/user
#   ralph systemd print opencode --with-password > ~/.config/systemd/user/opencode.service
#   systemctl --user daemon-reload
#   systemctl --user enable --now opencode
# It runs while you are logged in; with this it starts at boot: loginctl enable-linger $USER

[Unit]
Description=OpenCode server
Documentation=https://opencode.ai/docs/server/
# Restarts are limited, for example if the port is in use: at most 5 starts in 2 minutes.
StartLimitIntervalSec=120
StartLimitBurst=5

[Service]
Type=simple
ExecStart=${command} serve --port ${port}
WorkingDirectory=%h
${environment}# OPENCODE_SERVER_PASSWORD: without it any local user can run commands through the port.
EnvironmentFile=-${variables}
Restart=on-failure
RestartSec=2
# A session that works keeps it from ending by itself.
TimeoutStopSec=10
# When memory runs out, what an agent has started goes, and the server stays.
OOMPolicy=continue
# What agents run gets no more rights than you have: no sudo. Files and networks are as yours.
NoNewPrivileges=yes
LockPersonality=yes

[Install]
WantedBy=default.target
`;
}

/**
 * Generates the launchd agent of the OpenCode server for macOS, the file
 * `~/Library/LaunchAgents/ai.opencode.server.plist`.
 *
 * @example Usage
 * ```ts
 * import { serverPlist } from "./unit.ts";
 *
 * console.assert(serverPlist({ port: 4096 }).includes("<string>4096</string>"));
 * ```
 *
 * @param options What differs from machine to machine.
 * @returns The text of the file.
 */
export function serverPlist(options: ServerUnitOptions = {}): string {
  const { program, port = 14096, path, envFile = "" } = options;
  // launchd cannot read environment files: a shell reads it, and then runs the server with `exec`.
  const script = 'f="${2:-$HOME/.config/ralph/opencode.env}"; ' +
    '[ ! -r "$f" ] || { set -a; . "$f"; set +a; }; ' +
    'exec "${0:-$HOME/.opencode/bin/opencode}" serve --port "$1"';
  const args = ["/bin/sh", "-c", script, program ?? "", String(port), envFile];
  const environment = path === undefined ? "" : `  <key>EnvironmentVariables</key>
  <dict>
    <key>PATH</key>
    <string>${xml(path)}</string>
  </dict>
`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- launchctl bootstrap gui/$(id -u) ~/Library/LaunchAgents/ai.opencode.server.plist -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>ai.opencode.server</string>
  <key>ProgramArguments</key>
  <array>
${args.map((each) => `    <string>${xml(each)}</string>`).join("\n")}
  </array>
${environment}  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>30</integer>
</dict>
</plist>
`;
}

/** Quotes a word of a unit: `%` is special, and spaces separate words. */
function quote(word: string): string {
  if (/[\n\r]/.test(word)) {
    throw new RangeError(`Cannot put "${word}" into a unit: it contains a line break`);
  }
  const escaped = word.replaceAll("%", "%%");
  return /[\s"'\\$;]/.test(escaped)
    ? `"${escaped.replaceAll(/["\\]/g, "\\$&").replaceAll("$", "$$$$")}"`
    : escaped;
}

function xml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
