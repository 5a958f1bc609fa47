import { readdirSync } from "node:fs";
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

test("every command file is in the table", () => {
  const files = readdirSync(new URL("commands", import.meta.url)).filter((file) =>
    /(?<!\.test)\.ts$/.test(file),
  );
  const named = commandTable.map(({ path }) => `${path.join("-")}.ts`);
  expect(files.sort()).toEqual(named.sort());
});

test("the help lists every command, and every group says what it is for", async () => {
  const program = await buildProgram(["--help"]);
  const listed = program.commands.flatMap((command) =>
    command.commands.length > 0
      ? command.commands.map((c) => `${command.name()} ${c.name()}`)
      : [command.name()],
  );
  expect(listed).toEqual(commandTable.map(({ path }) => path.join(" ")));
  for (const command of program.commands.filter(({ commands }) => commands.length > 0))
    expect(groups[command.name()]).toBe(command.description());
});
