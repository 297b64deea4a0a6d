import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import ts from "typescript";

/** Options for {@linkcode emitDeclarations}. */
export interface EmitDeclarationsOptions {
  /** The folder of the sources: an absolute path. */
  root: string;
  /** Where the declarations go: an absolute path. */
  outDir: string;
}

/**
 * Writes a `.d.ts` beside each other for a module and everything that its types name.
 *
 * Each file is declared on its own, without a look at any other: what JSR demands of its
 * packages too ("no slow types") makes this possible, and needs no `node_modules`.
 *
 * @param entry The module, by its path from the root.
 * @param options Where the sources are and where the declarations go.
 * @returns The packages and `node:` modules that the declarations name.
 * @throws {SyntaxError} If the type of an export has to be inferred.
 */
export async function emitDeclarations(
  entry: string,
  options: EmitDeclarationsOptions,
): Promise<Set<string>> {
  const { root, outDir } = options;
  const named = new Set<string>();
  const seen = new Set([entry]);
  // A Set is walked in the order of insertion, and what is added meanwhile is walked too.
  for (const file of seen) {
    const text = declare(file, await readFile(join(root, file), "utf8"));
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

function declare(fileName: string, source: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName,
    reportDiagnostics: true,
    compilerOptions: {
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.NodeNext,
      strict: true,
      exactOptionalPropertyTypes: true,
      isolatedDeclarations: true,
    },
  });
  const [first] = diagnostics;
  if (first === undefined) return outputText;
  const line = (first.file?.getLineAndCharacterOfPosition(first.start ?? 0).line ?? 0) + 1;
  const message = ts.flattenDiagnosticMessageText(first.messageText, " ");
  throw new SyntaxError(`Cannot declare the types of ${fileName} at line ${line}: ${message}`);
}

/** Node's resolution takes the name of the script, and finds the declaration beside it. */
function withScriptExtensions(text: string): string {
  return text.replaceAll(/((?:from|import\() ?"\.{1,2}\/[^"]+)\.ts"/g, '$1.js"');
}
