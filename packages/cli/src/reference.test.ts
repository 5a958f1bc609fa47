import { join } from "node:path";
import { projectRoot } from "@sightline/stack";
import type { Command } from "commander";
import { expect, test } from "vitest";
import { buildProgram } from "./cli.ts";
import { commandTable } from "./command-table.ts";

const begin = `# The command line

What \`./sightline COMMAND --help\` says, of every command. Every command that asks the server takes \`--server HOST:PORT\` too
(\`SIGHTLINE_GRPC\`, 127.0.0.1:50051), or \`https://HOST:PORT\` where it speaks TLS; then \`--ca FILE\` (\`SIGHTLINE_TLS_CA_FILE\`) is what its certificate is
checked with, and \`--cert\` and \`--key\` are your own. A test holds this page against the commands; \`node_modules/.bin/vitest run packages/cli/src/reference.test.ts --update\`
writes it anew.
`;

test("docs/cli.md says what the help says, of every command", async () => {
  const parts = [begin];
  for (const { path } of commandTable) {
    let command: Command | undefined = await buildProgram(path);
    for (const word of path) command = command?.commands.find((child) => child.name() === word);
    const help = command!.configureHelp({ ...command!.configureHelp(), helpWidth: 110 }).helpInformation();
    parts.push(`## ${path.join(" ")}\n\n\`\`\`text\n${help.trimEnd()}\n\`\`\`\n`);
  }
  await expect(parts.join("\n")).toMatchFileSnapshot(join(projectRoot, "docs/cli.md"));
});
