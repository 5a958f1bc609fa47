import { toDate } from "@sightline/client";
import { Command } from "commander";
import { printShadow, savePictures, shadowId, sharePercent } from "../model/shadow-report.ts";
import { withServer } from "../server-connection.ts";
import { textTable } from "../text-table.ts";

interface ShadowsOptions {
  stop: boolean;
  delete: boolean;
  out?: string;
  json: boolean;
}

/** `sightline model shadows`: lists shadows, or shows, stops or deletes one. */
export function modelShadowsCommand(): Command {
  const command = new Command("shadows")
    .argument("[id]", "show this one's report; all are listed without")
    .option("--stop", "end it, and show its report", false)
    .option("--delete", "end it, and delete what it found", false)
    .option("--out <directory>", "save the pictures of the biggest differences there")
    .option("--json", "print as JSON, one line each", false);
  return command.action(async (id: string | undefined, options: ShadowsOptions) => {
    const { json, out } = options;
    if (id === undefined && (options.stop || options.delete || out !== undefined))
      command.error("error: --stop, --delete and --out need the id of a shadow", { exitCode: 2 });
    await withServer(command, async (client) => {
      const { models } = client;
      if (id === undefined) return printList(await models.shadows(), json);
      if (options.delete) return models.deleteShadow(id);
      const report = options.stop ? await models.stopShadow(id) : await models.shadow(id);
      printShadow(options.stop ? await models.shadow(id) : report, json);
      if (out !== undefined) await savePictures(client, report, out, json);
    });
  });
}

type Shadows = Parameters<typeof printShadow>[0][];

function printList(shadows: Shadows, json: boolean): void {
  if (json) {
    for (const shadow of shadows) console.log(JSON.stringify(shadow));
    return;
  }
  const rows = shadows.map((shadow) => [
    shadowId(shadow),
    shadow.camera.replace("cameras/", ""),
    [shadow.model.replace("models/", ""), shadow.version, shadow.precision].filter(Boolean).join(" "),
    shadow.endedTime
      ? "ended"
      : (shadow.workers.find(({ state }) => state !== "running")?.state ?? "running"),
    String(shadow.frames),
    shadow.frames > 0 ? sharePercent(shadow.total?.agreement ?? 0) : "",
    shadow.startTime ? toDate(shadow.startTime).toISOString() : "",
  ]);
  console.log(textTable([["ID", "CAMERA", "MODEL", "STATE", "FRAMES", "AGREEMENT", "STARTED"], ...rows]));
}
