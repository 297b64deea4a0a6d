import { assertEquals, assertThrows } from "@std/assert";
import { sessionLogDir, sessionPaths } from "../../lib/session/model/session_paths.ts";

Deno.test("sessionPaths() follows the XDG variables and their defaults", () => {
  const defaults = sessionPaths({ HOME: "/home/me", XDG_DATA_HOME: "", XDG_STATE_HOME: "state" });
  assertEquals(defaults.database, "/home/me/.local/share/ralph/sessions.db");
  assertEquals(defaults.sessionsDir, "/home/me/.local/state/ralph/sessions");
  assertEquals(defaults.configDir, "/home/me/.config/ralph");
  const set = sessionPaths({ XDG_DATA_HOME: "/d", XDG_STATE_HOME: "/s", XDG_CONFIG_HOME: "/c" });
  assertEquals([set.dataDir, set.stateDir, set.configDir], ["/d/ralph", "/s/ralph", "/c/ralph"]);
  assertEquals(set.socketsDir, "/d/ralph/sockets");
});

Deno.test("sessionLogDir() refuses an id that could lead elsewhere", () => {
  for (const id of ["", "..", "../../etc", "01JD", "01JD000000000000000000000/"]) {
    assertThrows(() => sessionLogDir(id, { HOME: "/h" }), RangeError, "a session id is a ULID");
  }
});
