import { Command } from "commander";
import { number } from "../camera/camera-options.ts";
import { cameraOfEvent } from "../events/event-lines.ts";
import { keptOf } from "../events/filtered-cameras.ts";
import { eventsAsCsv, eventsAsJsonLines } from "../export/event-formats.ts";
import { addExportOptions, type ExportOptions } from "../export/export-options.ts";
import { writeExport } from "../export/write-export.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface EventExportOptions extends ExportOptions {
  minScore?: number;
  minSeconds?: number;
  text?: string;
}

/** `sightline export events`: events that are kept, newest first, each once and as it stands now. */
export function exportEventsCommand(): Command {
  const command = addExportOptions(new Command("events"), ["jsonl", "csv"]);
  command
    .option("--min-score <x>", "those whose object had this score at best, or a higher one, 0 to 1", number)
    .option("--min-seconds <n>", "those that lasted so long or longer", number)
    .option(
      "--text <words>",
      "those in whose message, camera, class, rule, zone or line all these words are",
    );
  return command.action(async (options: EventExportOptions) => {
    const { camera, classes, zone, from, to, format, out, minScore, minSeconds, text } = options;
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const filter = { cameras: camera, classes, zones: zone === undefined ? undefined : [zone] };
      const kept = client.events.list({
        ...{ filter, from, to, minScore, minSeconds, text, signal },
        pageSize: 1_000,
      });
      const events = keptOf(kept, cameraOfEvent, client, camera);
      const pieces = format === "csv" ? eventsAsCsv(events) : eventsAsJsonLines(events);
      await writeExport(out, pieces, signal);
    });
  });
}
