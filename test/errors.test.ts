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

test("an error that is made of a caught one has it as its cause, or says why not", () => {
  expect(files.flatMap((file) => within(file, isHandler).flatMap(madeWithout))).toEqual([]);
});

test("an error is logged whole, as `err`, not only its message", () => {
  expect(files.flatMap((file) => within(file, isLogCall).filter(tellsMessageOnly).map(placeOf))).toEqual([]);
});

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
  return /\b(error|cause|reason)( as Error\))?\??\.message\b/.test(text) && !/\berr\b/.test(text);
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
