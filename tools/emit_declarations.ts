import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import ts from "typescript";

/** Options for {@linkcode emitDeclarations}. */
export interface EmitDeclarationsOptions {
  /** The folder of the sources: an absolute path. */
  root: string;
  /** Where the declarations go: an absolute path. */
  outDir: string;
}

const COMPILER_OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ESNext,
  module: ts.ModuleKind.NodeNext,
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  noCheck: true,
  declaration: true,
  emitDeclarationOnly: true,
  isolatedDeclarations: true,
  stripInternal: true,
};

/**
 * Writes the `.d.ts` of a module and of every module that its types refer to.
 *
 * Uses only explicit types, as JSR requires ("no slow types"), so no package has to be installed.
 * What is marked `@internal` is left out.
 *
 * @param entry The module, by its path from the root.
 * @param options Where the sources are and where the declarations go.
 * @returns The packages and `node:` modules that the declarations import.
 * @throws {SyntaxError} If the type of an export has to be inferred.
 */
export async function emitDeclarations(
  entry: string,
  options: EmitDeclarationsOptions,
): Promise<Set<string>> {
  const { root, outDir } = options;
  const program = ts.createProgram([join(root, entry)], COMPILER_OPTIONS);
  const named = new Set<string>();
  const seen = new Set([entry]);
  // Iterating over a Set also visits what is added meanwhile.
  for (const file of seen) {
    const text = declare(file, { root, program });
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (!fileName.startsWith(".")) named.add(fileName);
      else seen.add(posix.join(posix.dirname(file), fileName));
    }
    const target = join(outDir, file.replace(/\.ts$/, ".d.ts"));
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, withScriptExtensions(text));
  }
  return named;
}

function declare(file: string, { root, program }: { root: string; program: ts.Program }): string {
  let declaration = "";
  const source = program.getSourceFile(join(root, file));
  if (source === undefined) throw new TypeError(`Cannot declare the types of ${file}: no source`);
  const { diagnostics: [first] } = program.emit(source, (_, text) => declaration = text);
  if (first === undefined) return declaration;
  const line = source.getLineAndCharacterOfPosition(first.start ?? 0).line + 1;
  const message = ts.flattenDiagnosticMessageText(first.messageText, " ");
  throw new SyntaxError(`Cannot declare the types of ${file} at line ${line}: ${message}`);
}

/** Node's resolution takes the name of the script, and finds the declaration beside it. */
function withScriptExtensions(text: string): string {
  return text.replaceAll(/((?:from|import\() ?"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
}
