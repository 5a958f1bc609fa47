import { toDate } from "@sightline/client";
import { Command } from "commander";
import { withServer } from "../server-connection.ts";
import { textTable } from "../text-table.ts";

/** `sightline model versions`: the versions of a model that workers have. */
export function modelVersionsCommand(): Command {
  const command = new Command("versions")
    .argument("<name>", "the model")
    .option("--json", "print as JSON, one line each", false);
  return command.action(async (name: string, { json }: { json: boolean }) => {
    const versions = await withServer(command, (client) => client.models.versions(name));
    if (json) {
      for (const version of versions) console.log(JSON.stringify(version));
      return;
    }
    const rows = versions.map((version) => [
      String(version.number),
      version.version,
      version.active ? "active" : version.previous ? "before" : "",
      String(version.servingWorkers),
      `${version.workersWith} of ${version.workersWith + version.workersWithout}`,
      version.seenTime ? toDate(version.seenTime).toISOString() : "",
    ]);
    console.log(textTable([["#", "VERSION", "", "SERVED BY", "ON DISK OF", "FIRST SEEN"], ...rows]));
  });
}
