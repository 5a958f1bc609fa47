import { readdirSync, readFileSync } from "node:fs";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "./cli.ts";
import { commandTable, groups } from "./command-table.ts";

test.each(commandTable.map((entry) => [entry.path.join(" "), entry] as const))(
  "%s loads, under its name and with the description of the help",
  async (_, entry) => {
    const command = await entry.load();
    expect(command.name()).toBe(entry.path.at(-1));
    expect(["", entry.description]).toContain(command.description());
  },
);

/** Name and text of each file of a folder beside this one, but for tests. */
function sourcesIn(folder: string): [file: string, source: string][] {
  const place = new URL(folder, import.meta.url);
  const files = readdirSync(place).filter((file) => /(?<!\.test)\.ts$/.test(file));
  return files.map((file) => [file, readFileSync(new URL(file, place), "utf8")]);
}

test("every command of every file is in the table", () => {
  const made = sourcesIn("commands/").flatMap(([file, source]) =>
    [...source.matchAll(/^export function (\w+Command)\(/gm)].map(([, name]) => `${file} ${name}`),
  );
  const loads = /import\("\.\.\/commands\/([\w-]+\.ts)"\)\)\.(\w+)\(/g;
  const loaded = sourcesIn("command-table/").flatMap(([, source]) =>
    [...source.matchAll(loads)].map(([, file, name]) => `${file} ${name}`),
  );
  expect(made.sort()).toEqual(loaded.sort());
});

test("the help lists every command, and every group says what it is for", async () => {
  const program = await buildProgram(["--help"]);
  const listed = program.commands.flatMap((command) => [
    ...(command.name() in groups ? [] : [command.name()]),
    ...command.commands.map((c) => `${command.name()} ${c.name()}`),
  ]);
  expect(listed).toEqual(commandTable.map(({ path }) => path.join(" ")));
  for (const command of program.commands.filter((each) => each.name() in groups))
    expect(groups[command.name()]).toBe(command.description());
});

test.each(commandTable.map(({ path }) => [path.join(" "), path] as const))(
  "the help of %s shows defaults as they are typed, and what must be given",
  async (_, path) => {
    let command: Command | undefined = await buildProgram(path);
    for (const word of path) command = command?.commands.find((child) => child.name() === word);
    const help = command?.helpInformation().replaceAll(/\s+/g, " ") ?? "";
    expect(help).toContain("Usage:");
    expect(help).not.toMatch(/default: (false|\[|\{)/);
    const mandatory = command?.options.filter(
      (option) => option.mandatory && option.defaultValue === undefined,
    );
    expect(help.match(/\(must be given\)/g) ?? []).toHaveLength(mandatory?.length ?? 0);
  },
);
