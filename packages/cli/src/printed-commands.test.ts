import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "./cli.ts";
import { commandTable, groups } from "./command-table.ts";

/** Wherever a user is told what to type. */
const files = globSync(
  [
    "README.md",
    "CONTRIBUTING.md",
    "sightline",
    "{docs,examples}/*.md",
    "models/*/README.md",
    "deploy/**/*.{yml,json,sh}",
    "{packages,services}/*/src/**/*.ts",
    "apps/console/src/**/*.{ts,tsx}",
  ],
  { cwd: projectRoot },
).filter((file) => !/node_modules|\.test\.ts$|\/gen\//.test(file));

/** The words after `./sightline`, up to what ends a command in a shell, in prose or in source. */
function commandsIn(file: string): string[] {
  const text = readFileSync(join(projectRoot, file), "utf8").replaceAll("\\\n", " ");
  return [...text.matchAll(/\.\/sightline ([a-z][^\n`#|;&<>)"]*)/g)].map(([, words]) =>
    words!.split(/[,.:]\s/)[0]!.trim(),
  );
}

async function find(words: readonly string[]): Promise<Command | undefined> {
  const program = await buildProgram(words);
  const [first = "", second = ""] = words;
  const command = program.commands.find((child) => child.name() === first);
  // What follows a group's name is one of its commands; `events` is both a command and a group.
  const inner = command?.commands.find((child) => child.name() === second);
  return Object.hasOwn(groups, first) && words.length > 1 ? inner : (inner ?? command);
}

test.each(
  files.map((file) => [file, commandsIn(file)] as const).filter(([, commands]) => commands.length > 0),
)("%s names commands and options that there are", async (_, commands) => {
  for (const text of commands) {
    const words = text.split(/\s+/);
    const command = await find(words);
    expect(command, text).toBeDefined();
    const known = ["--help", "--server", "--version", ...command!.options.map(({ long }) => long)];
    for (const [, option] of text.matchAll(/(?:^|\s)(--[a-z-]+)/g)) expect(known, text).toContain(option);
  }
});

test("there are such places", () => {
  expect(files.flatMap(commandsIn).length).toBeGreaterThan(commandTable.length);
});
