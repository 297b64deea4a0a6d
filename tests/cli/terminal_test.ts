import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { configure, ralph, type RalphOptions } from "../kit/ralph_process.ts";
import { scriptedAgent, taskRepo } from "../kit/scripted_agent.ts";
import { HAS_TMUX, openTerminal, type Terminal } from "../kit/tmux.ts";

const ignore = !HAS_TMUX;
const why = ignore ? " (skipped: no tmux)" : "";
const CLI = fileURLToPath(new URL("../../cli.ts", import.meta.url));
const TALK =
  "for i in 1 2 3 4 5 6 7 8; do echo step $i; done; while [ ! -f ../go ]; do sleep 0.05; done;";

function ralphTerminal(args: string, options: RalphOptions): Promise<Terminal> {
  return openTerminal(`"${process.execPath}" run -A "${CLI}" ${args}`, {
    cwd: options.cwd,
    env: terminalEnv(options),
  });
}

function terminalEnv(options: RalphOptions): Record<string, string> {
  const { PATH = "", DENO_DIR, HOME = "" } = process.env;
  return {
    PATH,
    HOME: options.home,
    DENO_DIR: DENO_DIR ?? join(HOME, ".cache", "deno"),
    TERM: "xterm-256color",
    LANG: "C.UTF-8",
  };
}

Deno.test({
  name: `ralph run on a terminal shows the loop, which a key leaves and attach shows again${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }, { id: "US-002" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), [
      `${TALK} pass US-001; work one`,
      "pass US-002; work two",
    ]);
    const options = await configure(repo, { agent });
    {
      await using terminal = await ralphTerminal("run job -a agent", options);
      const shown = await terminal.until("step 8");
      assertMatch(shown, /^job {2}main +iteration 1 of 50 +\d+s\n/);
      assertMatch(shown, /▸ US-001 {2}Story US-001 +agent +\d+s +running/);
      assertMatch(shown, /d leave +c checkpoint +s stop +r retry now/);
      await terminal.resize(50, 12);
      const small = await terminal.until("step 8");
      for (const line of small.split("\n")) assert(line.length <= 50, line);
      await terminal.type("d");
      await terminal.until("exit 0");
      assertStringIncludes(await terminal.screen(), "it keeps running in the background");
    }
    await using terminal = await ralphTerminal("attach", options);
    // What was missed is there at once.
    await terminal.until("step 8");
    await writeFile(join(repo.outside, "go"), "");
    const end = await terminal.until("exit 0");
    assertStringIncludes(end, "Completed job: 2 of 2 stories in 2 iterations");
  },
});

Deno.test({
  name: `ralph run on a terminal stops the loop on a key, and restores the terminal${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const agent = await scriptedAgent(join(repo.outside, "agent"), [TALK]);
    const options = await configure(repo, { agent });
    await using terminal = await openTerminal(
      `stty -g > ../before; "${process.execPath}" run -A "${CLI}" run job -a agent; stty -g > ../after; cmp ../before ../after && echo the same`,
      {
        cwd: repo.root,
        env: terminalEnv(options),
      },
    );
    await terminal.until("step 8");
    await terminal.type("s");
    await terminal.until("the same");
    assertStringIncludes(await terminal.screen(), "Stopped job: SIGINT");
  },
});

Deno.test({
  name: `ralph run asks which task is meant, and before an agent may do anything${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const options = await configure(repo, {});
    await ralph(["init", "another"], options);
    await ralph(["convert", "another"], options);
    await repo.git("add", "--all");
    await repo.git("commit", "-qm", "Another");
    await using terminal = await ralphTerminal("run -a demo --yolo", options);
    await terminal.until("Which task?");
    await terminal.type("Down", "Enter");
    await terminal.until("the agent may do anything");
    await terminal.type("y");
    await terminal.until("Completed job");
  },
});

Deno.test({
  name: `ralph attach shows an agent's own terminal, takes control and hands it back${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    // A full-screen program that answers typed lines and ends on request.
    const program = join(repo.outside, "screen.sh");
    await writeFile(
      program,
      `#!/bin/sh
stty -echo; printf '\\033[2J\\033[1;1Hthe agent screen of %s' "$(stty size)"
trap 'printf "\\033[2;1Hnow %s " "$(stty size)"' WINCH
while :; do
  if read -r line; then printf '\\033[3;1Hgot <%s> in $$' "$line"; [ "$line" = quit ] && break; fi
done
sed -i 's/"passes":false/"passes":true/' tasks/job/prd.json; git commit -qam done
`,
    );
    await chmod(program, 0o755);
    const options = await configure(
      repo,
      {},
      `agent = "tui"\n[agents.tui]\ncommand = ["${program}"]\nprompt = "file"\npty = true\n`,
    );
    await ralph(["run", "job", "-a", "tui", "--detach"], options);
    const pid = (text: string): string => / in (\d+)/.exec(text)?.[1] ?? "";
    let first = "";
    {
      await using terminal = await ralphTerminal("attach job", options);
      await terminal.until("the agent screen of");
      // It is as large as this terminal, without the line below it.
      const shown = await terminal.until("now 29 100");
      assertMatch(shown, /job {2}US-001 {2}iteration 1 {2}tui {2}watch .*Ctrl-\] \? help/);
      await terminal.type("-l", "nobody reads this");
      await terminal.type("C-]", "i");
      await terminal.until("interactive");
      await terminal.type("-l", "hello");
      await terminal.type("Enter");
      first = pid(await terminal.until("got <hello>"));
      await terminal.resize(80, 20);
      await terminal.until("now 19 80");
      await terminal.type("C-]", "d");
      await terminal.until("Left job; it keeps running");
      await terminal.until("exit 0");
    }
    {
      await using terminal = await ralphTerminal("attach job --observe", options);
      // What was missed is on the screen at once, and no key does anything.
      await terminal.until("got <hello>");
      await terminal.type("C-]", "s");
      await terminal.until("only observes");
      await terminal.type("C-]", "d");
      await terminal.until("exit 0");
    }
    await using terminal = await ralphTerminal("attach job", options);
    await terminal.until("interactive");
    await terminal.type("-l", "again");
    await terminal.type("Enter");
    assertEquals(pid(await terminal.until("got <again>")), first);
    await terminal.type("C-]", "i");
    await terminal.until("watch");
    await terminal.type("C-]", "i");
    await terminal.until("interactive");
    await terminal.type("-l", "quit");
    await terminal.type("Enter");
    await terminal.type("C-]", "i");
    await terminal.until("Completed job: 1 of 1 story");
    await terminal.until("exit 0");
  },
});

Deno.test({
  name: `ralph attach restores the terminal, even if the worker is killed${why}`,
  ignore,
  async fn() {
    await using repo = await taskRepo([{ id: "US-001" }]);
    const program = join(repo.outside, "screen.sh");
    // It asks for the mouse and for raw keys, as the terminal programs of agents do.
    await writeFile(
      program,
      "#!/bin/sh\nprintf '\\033[?1000h\\033[?25lthe agent screen'; sleep 60\n",
    );
    await chmod(program, 0o755);
    const options = await configure(
      repo,
      {},
      `[agents.tui]\ncommand = ["${program}"]\nprompt = "file"\npty = true\n`,
    );
    const started = await ralph(["run", "job", "-a", "tui", "--detach", "--json"], options);
    const { pid } = JSON.parse(started.stdout) as { pid: number };
    const call = `"${process.execPath}" run -A "${CLI}" attach job`;
    await using terminal = await openTerminal(
      `stty -g > ../before; ${call}; stty -g > ../after; cmp ../before ../after && echo the same`,
      { cwd: repo.root, env: terminalEnv(options) },
    );
    await terminal.until("the agent screen");
    process.kill(pid, "SIGKILL");
    const shown = await terminal.until("the same");
    assertStringIncludes(shown, "Failed job: worker died");
  },
});
