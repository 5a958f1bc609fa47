import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import ts from "typescript";

/** What examples are given beside the exports of their package and `assert`, as the parameter of a function. */
const given: Record<string, string> = {
  client: "{ client, address, token }: { client: SightlineClient; address: string; token: string }",
  rules: "",
  tracking: "",
  "yolo-nas": "{ scratch }: { scratch: string }",
};
export const packagesWithExamples = Object.keys(given);
const indexOf = (name: string) => join(projectRoot, "packages", name, "src/index.ts");

const configuration = ts.readConfigFile(join(projectRoot, "tsconfig.base.json"), ts.sys.readFile);
const { options } = ts.convertCompilerOptionsFromJson(configuration.config.compilerOptions, projectRoot);

/** The examples of a package. */
interface Examples {
  /** All functions and classes that it exports; `text` is undefined where there is no example. */
  all: { of: string; text: string | undefined }[];
  /** All that it exports, and what of it is a type only. */
  exported: string[];
  types: Set<string>;
}

function examplesOf(program: ts.Program, name: string): Examples {
  const checker = program.getTypeChecker();
  const index = checker.getSymbolAtLocation(program.getSourceFile(indexOf(name))!)!;
  const exported = checker.getExportsOfModule(index);
  const types = new Set<string>();
  const all: Examples["all"] = [];
  for (const each of exported) {
    const symbol = each.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(each) : each;
    const isOnlyType =
      !(symbol.flags & ts.SymbolFlags.Value) || each.declarations?.every(ts.isTypeOnlyExportDeclaration);
    if (isOnlyType) types.add(each.name);
    if (!(symbol.flags & (ts.SymbolFlags.Function | ts.SymbolFlags.Class))) continue;
    const tag = symbol.getJsDocTags(checker).find((one) => one.name === "example");
    const text = /^```ts\n(.*)\n```$/s.exec(ts.displayPartsToString(tag?.text).trim())?.[1];
    all.push({ of: each.name, text });
  }
  return { all, exported: exported.map((each) => each.name), types };
}

/** A module with a function for each example. Imports stand at the top of it, and what is exported needs none. */
function moduleOf(name: string, { all, exported, types }: Examples): string {
  const texts = all.flatMap(({ of, text }) => (text === undefined ? [] : [{ of, lines: text.split("\n") }]));
  const isImport = (line: string) => line.startsWith("import ");
  const functions = texts.map(({ of, lines }) => {
    const code = lines.filter((line) => !isImport(line)).join("\n");
    return `  ${JSON.stringify(of)}: async (${given[name]}) => {\n${code}\n  },`;
  });
  const used = exported.filter((each) => new RegExp(`\\b${each}\\b`).test(functions.join("\n")));
  return [
    'import assert from "node:assert/strict";',
    ...new Set(texts.flatMap(({ lines }) => lines.filter(isImport))),
    `import { ${used.map((each) => (types.has(each) ? `type ${each}` : each)).join(", ")} } from ${JSON.stringify(indexOf(name))};`,
    "export const examples = {",
    ...functions,
    "};",
  ].join("\n");
}

/** Writes a module for each package into a folder, with what its examples do as functions of `examples`. */
export function writeExamples(directory: string) {
  const program = ts.createProgram(packagesWithExamples.map(indexOf), options);
  return packagesWithExamples.map((name) => {
    const examples = examplesOf(program, name);
    const file = join(directory, `${name}.mts`);
    writeFileSync(file, moduleOf(name, examples));
    return { name, file, all: examples.all };
  });
}

/** What is wrong with the types in these modules, a line each. */
export function typeFaults(files: readonly string[]): string[] {
  // The modules' folder has no node_modules of its own, and not every example uses what it is given.
  const own = {
    typeRoots: [join(projectRoot, "node_modules/@types")],
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const program = ts.createProgram([...files], { ...options, ...own });
  return files.flatMap((path) => {
    const file = program.getSourceFile(path)!;
    return ts.getPreEmitDiagnostics(program, file).map(({ messageText, start = 0 }) => {
      const { line } = file.getLineAndCharacterOfPosition(start);
      return `${path}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`;
    });
  });
}
