import process from "node:process";
import type nodePty from "@lydell/node-pty";
import type headless from "@xterm/headless";
import type addon from "@xterm/addon-serialize";

/** The packages that a PTY needs, as tested. Few need one, so npm does not install them. */
export const PTY_PACKAGES: readonly string[] = [
  "@lydell/node-pty@1.1.0",
  "@xterm/headless@6.0.0",
  "@xterm/addon-serialize@0.14.0",
];

/** What is in {@linkcode PTY_PACKAGES}. */
export interface PtyPackages {
  /** Starts a program in a PTY. */
  spawn: typeof nodePty.spawn;
  /** A terminal without a window. */
  Terminal: typeof headless.Terminal;
  /** Reads what such a terminal shows. */
  SerializeAddon: typeof addon.SerializeAddon;
}

/** Thrown when a PTY is wanted and its packages are not installed. */
export class MissingPackageError extends Error {
  /** The line to type. */
  readonly hint: string;
  /** The exit code of a command that ends with it. */
  readonly exitCode = 5;

  /**
   * Makes the error.
   *
   * @param hint The line to type.
   * @param options What was thrown.
   */
  constructor(hint: string, options?: ErrorOptions) {
    super("A PTY needs packages that are not installed", options);
    this.name = "MissingPackageError";
    this.hint = hint;
  }
}

/**
 * Loads the packages that a PTY needs.
 *
 * @returns What is used of them.
 * @throws {MissingPackageError} If one of them is not installed.
 */
export async function loadPtyPackages(): Promise<PtyPackages> {
  try {
    const [{ default: { spawn } }, { default: { Terminal } }, { default: { SerializeAddon } }] =
      await Promise.all([
        import("@lydell/node-pty"),
        import("@xterm/headless"),
        import("@xterm/addon-serialize"),
      ]);
    return { spawn, Terminal, SerializeAddon };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const onDeno = process.versions.deno !== undefined;
    throw new MissingPackageError(installLine(import.meta.url, onDeno), { cause });
  }
}

/**
 * Says what to type for the packages that a PTY needs, as it fits how ralph was installed.
 *
 * @param url Where ralph's own files are.
 * @param onDeno Whether Deno runs it, and not Node.
 * @returns The line to type.
 */
export function installLine(url: string, onDeno: boolean): string {
  const ofNpm = /\.js$/.test(new URL(url).pathname);
  // The package of JSR gets them by itself, once there is a network.
  if (onDeno && ofNpm) return "deno run -A jsr:@ralph/cli ...";
  if (onDeno) {
    return `deno cache ${PTY_PACKAGES.map((name) => `npm:${name}`).join(" ")}`;
  }
  if (url.includes("/_npx/")) {
    return `npx ${["@ralph/cli", ...PTY_PACKAGES].map((name) => `-p ${name}`).join(" ")} ralph ...`;
  }
  const everywhere = /\/(lib|npm)\/node_modules\/@ralph\/cli\//.test(url);
  return `npm install ${everywhere ? "--global " : ""}${PTY_PACKAGES.join(" ")}`;
}
