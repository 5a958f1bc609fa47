import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import ts from "typescript";
import { expect, test } from "vitest";

const names = globSync("{packages,services,apps}/*/src/**/*.{ts,tsx}", { cwd: projectRoot }).filter(
  (name) => !/\/gen\/|\/testing\/|\.test\.tsx?$/.test(name),
);
const files = names.map((name) =>
  ts.createSourceFile(name, readFileSync(join(projectRoot, name), "utf8"), ts.ScriptTarget.Latest, true),
);

/** The files of each package and service. */
const packages = Map.groupBy(files, ({ fileName }) => fileName.split("/").slice(0, 2).join("/"));

/** Families whose codes others define, and who that is. */
const foreignCodes: ReadonlySet<string> = new Set([
  // gRPC's names of status codes.
  "SightlineError",
  // The codes of the HTTP API.
  "RequestError",
]);

test("a package has one family of errors: one class extends Error, and all others extend that one", () => {
  const bases = [...packages].map(([name, files]) => [name, basesIn(files).map(({ name }) => name?.text)]);
  expect(bases.filter(([, found]) => found!.length > 1)).toEqual([]);
});

test("each error has a code of its family's type, in snake_case", () => {
  for (const [name, files] of packages)
    for (const base of basesIn(files).filter(({ name }) => !foreignCodes.has(name!.text))) {
      const codes = codesIn(codeType(base), files);
      expect(codes, `${name}: ${base.name!.text}`).not.toEqual([]);
      expect(codes.filter((code) => !/^[a-z]+(_[a-z]+)*$/.test(code))).toEqual([]);
    }
});

test("an error that is made of a caught one has it as its cause, or says why not", () => {
  expect(files.flatMap((file) => within(file, isHandler).flatMap(madeWithout))).toEqual([]);
});

test("an error is logged whole, as `err`, not only its message", () => {
  expect(files.flatMap((file) => within(file, isLogCall).filter(tellsMessageOnly).map(placeOf))).toEqual([]);
});

/** Classes that extend Error itself. */
function basesIn(files: readonly ts.SourceFile[]): ts.ClassDeclaration[] {
  return files
    .flatMap((file) => within(file, ts.isClassDeclaration))
    .filter((declared) =>
      declared.heritageClauses?.some(({ types }) =>
        types.some(({ expression }) => expression.getText() === "Error"),
      ),
    );
}

/** The type of a class's `code`. */
function codeType(declared: ts.ClassDeclaration): ts.TypeNode | undefined {
  const properties = declared.members.filter(ts.isPropertyDeclaration);
  return properties.find(({ name }) => name.getText() === "code")?.type;
}

/** The literals of a union of literals, of types with a name, and of the keys of a table. */
function codesIn(type: ts.TypeNode | undefined, files: readonly ts.SourceFile[]): string[] {
  if (!type) return [];
  if (ts.isUnionTypeNode(type)) return type.types.flatMap((each) => codesIn(each, files));
  if (ts.isLiteralTypeNode(type) && ts.isStringLiteral(type.literal)) return [type.literal.text];
  if (ts.isTypeReferenceNode(type))
    return files
      .flatMap((file) => within(file, ts.isTypeAliasDeclaration))
      .filter(({ name }) => name.text === type.typeName.getText())
      .flatMap((found) => codesIn(found.type, files));
  if (ts.isTypeOperatorNode(type) && ts.isTypeQueryNode(type.type)) {
    const table = type.type.exprName.getText();
    const [found] = within(type.getSourceFile(), ts.isVariableDeclaration).filter(
      ({ name }) => name.getText() === table,
    );
    return (found ? within(found, ts.isPropertyAssignment) : []).map(({ name }) => name.getText());
  }
  return [];
}

type Handler = ts.CatchClause | ts.ArrowFunction;

/** `catch (error) {…}`, or what is given to `.catch()`. */
function isHandler(node: ts.Node): node is Handler {
  if (ts.isCatchClause(node)) return true;
  return (
    ts.isArrowFunction(node) &&
    /\.catch$/.test((node.parent as ts.CallExpression).expression?.getText() ?? "")
  );
}

/** Errors that are made where one was caught, without handing it on. A comment that begins with "No cause:" says why that is meant. */
function madeWithout(handler: Handler): string[] {
  const bound = ts.isCatchClause(handler) ? handler.variableDeclaration : handler.parameters[0];
  const body = ts.isCatchClause(handler) ? handler.block : handler.body;
  const handsOn = (made: ts.NewExpression) =>
    within(made, ts.isIdentifier).some(
      ({ text, parent }) => text === "cause" || (text === bound?.name.getText() && isWhole(parent)),
    );
  return within(body, ts.isNewExpression)
    .filter(({ expression }) => /(Error|Fault)$/.test(expression.getText()))
    .filter((made) => !handsOn(made) && !/\/\/ No cause: /.test(body.getFullText()))
    .map(placeOf);
}

/** Whether what stands in it is the error itself, not one of its properties. */
function isWhole(parent: ts.Node): boolean {
  return !ts.isPropertyAccessExpression(parent) && !ts.isAsExpression(parent);
}

function isLogCall(node: ts.Node): node is ts.CallExpression {
  return (
    ts.isCallExpression(node) &&
    /(^|[.#])log\??\.(fatal|error|warn|info|debug)$/.test(node.expression.getText())
  );
}

function tellsMessageOnly(call: ts.CallExpression): boolean {
  const text = call.arguments.map((each) => each.getText()).join();
  const tells = /\b(error|cause|reason)( as Error\))?\??\.message\b|\berror: (?!\(error as Error\)\.name)/;
  return tells.test(text) && !/\berr\b/.test(text);
}

function within<Node extends ts.Node>(root: ts.Node, is: (node: ts.Node) => node is Node): Node[] {
  const found: Node[] = [];
  const visit = (node: ts.Node): void => {
    if (is(node)) found.push(node);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

function placeOf(node: ts.Node): string {
  const file = node.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(node.getStart());
  return `${file.fileName}:${line + 1}`;
}
