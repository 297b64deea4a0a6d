import { stat } from "node:fs/promises";

/**
 * Says in words why a program could not be started.
 *
 * @param command The program and its arguments.
 * @param options The folder to start it in, and what was thrown.
 * @returns The words, in one line.
 */
export async function launchMessage(
  command: readonly string[],
  { cwd, error }: { cwd: string; error: unknown },
): Promise<string> {
  const [program = ""] = command;
  const { code, message } = error as NodeJS.ErrnoException;
  const why = (words: string) => `Cannot start "${program}": ${words}`;
  // A missing working folder has the same code as a missing program.
  const folder = await stat(cwd).catch(() => undefined);
  if (!folder?.isDirectory()) return why(`the folder "${cwd}" does not exist`);
  if (code === "ENOENT") return why("program not found");
  if (code === "EACCES") return why("the file is not executable");
  if (code === "E2BIG") {
    const longest = Math.max(...command.map((it) => new TextEncoder().encode(it).length));
    return why(
      `its longest argument has ${longest} bytes, more than the system takes: ` +
        "pass the prompt on stdin or as a file",
    );
  }
  return why(message);
}
