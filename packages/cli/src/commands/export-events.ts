import { Command } from "commander";
import { cameraOfEvent } from "../events/event-lines.ts";
import { keptOf } from "../events/filtered-cameras.ts";
import { eventsAsCsv, eventsAsJsonLines } from "../export/event-formats.ts";
import { addExportOptions, type ExportOptions } from "../export/export-options.ts";
import { writeExport } from "../export/write-export.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

/** `sightline export events`: events that are kept, newest first, each once and as it stands now. */
export function exportEventsCommand(): Command {
  const command = addExportOptions(new Command("events"), ["jsonl", "csv"]);
  return command.action(async ({ camera, classes, zone, from, to, format, out }: ExportOptions) => {
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const filter = { cameras: camera, classes, zones: zone === undefined ? undefined : [zone] };
      const kept = client.events.list({ filter, from, to, pageSize: 1_000, signal });
      const events = keptOf(kept, cameraOfEvent, client, camera);
      const pieces = format === "csv" ? eventsAsCsv(events) : eventsAsJsonLines(events);
      await writeExport(out, pieces, signal);
    });
  });
}
