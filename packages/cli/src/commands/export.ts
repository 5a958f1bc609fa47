import { cameraIdOf } from "@sightline/contracts";
import { Command, InvalidArgumentError, Option } from "commander";
import { append, list, number } from "../camera/camera-options.ts";
import { cameraOfEvent } from "../events/event-lines.ts";
import { keptOf } from "../events/filtered-cameras.ts";
import { CameraArchive } from "../export/camera-archive.ts";
import { CocoResults } from "../export/coco-results.ts";
import {
  detectionsAsCsv,
  detectionsAsJsonLines,
  eventsAsCsv,
  eventsAsJsonLines,
} from "../export/record-formats.ts";
import { writeExport } from "../export/write-export.ts";
import { timeOption } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface EventExportOptions extends ExportOptions {
  minScore?: number;
  minSeconds?: number;
  text?: string;
}

/** `sightline export events`: stored events, newest first, each once in its current state. */
export function exportEventsCommand(): Command {
  const command = addExportOptions(new Command("events"), ["jsonl", "csv"]);
  command
    .option("--min-score <x>", "those whose object reached this score, 0 to 1", number)
    .option("--min-seconds <n>", "those that lasted so long or longer", number)
    .option(
      "--text <words>",
      "those that have all these words in their message, camera, class, rule, zone or line",
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

interface DetectionExportOptions extends ExportOptions {
  minScore?: number;
  empty: boolean;
}

/** `sightline export detections`: stored frames with detections, in the order of storage. */
export function exportDetectionsCommand(): Command {
  const command = addExportOptions(new Command("detections"), ["jsonl", "csv", "coco"])
    .option("--min-score <x>", "only detections of at least this score, 0 to 1", number)
    .option("--empty", "also frames in which nothing was found (csv has none)", false);
  return command.action(async (options: DetectionExportOptions) => {
    const { camera, classes, zone, from, to, minScore, empty, format, out } = options;
    if (format === "coco" && out === undefined)
      throw new InvalidArgumentError("--format coco writes two files: name the first with --out FILE");
    const signal = untilSignal();
    await withServer(command, async (client) => {
      const kept = client.detections.list({
        cameras: camera,
        classes,
        zone,
        from,
        to,
        minScore,
        includeEmpty: empty,
        pageSize: 1_000,
        signal,
      });
      const frames = keptOf(kept, ({ frame }) => cameraIdOf(frame?.camera ?? ""), client, camera);
      if (format === "coco") {
        const coco = new CocoResults();
        await writeExport(out, coco.results(frames), signal);
        await writeExport(imagesFile(out!), coco.images(), signal);
      } else
        await writeExport(
          out,
          format === "csv" ? detectionsAsCsv(frames) : detectionsAsJsonLines(frames),
          signal,
        );
    });
  });
}

/** The file with images and categories that belongs to a file of results: `x.json` has `x.images.json`. */
function imagesFile(results: string): string {
  return `${results.replace(/\.json$/, "")}.images.json`;
}

/** The options that say what to export. */
export interface ExportOptions {
  camera: string[];
  classes?: string[];
  zone?: string;
  from?: Date;
  to?: Date;
  format: string;
  out?: string;
}

/** Adds the options that all exports share. */
export function addExportOptions(command: Command, formats: readonly string[]): Command {
  return command
    .option("--camera <name>", "only this camera; may be given several times", append, [])
    .option("--classes <a,b>", "only these classes, separated by commas", list)
    .option("--zone <name>", "only in the camera's zone of this name")
    .option("--from <time>", "from this time on, such as 2026-03-01T08:00Z", timeOption)
    .option("--to <time>", "before this time", timeOption)
    .addOption(new Option("--format <name>", "form of the file").choices(formats).default(formats[0]))
    .option("--out <file>", "file to write (default: standard output)");
}

interface ArchiveOptions {
  from: Date;
  to: Date;
  out: string;
  recordings: boolean;
  json: boolean;
}

/** `sightline camera export`: everything stored about a camera in a time range, as one archive. */
export function cameraExportCommand(): Command {
  const command = new Command("export")
    .argument("<name>", "the camera; one that was removed may still have events, pictures and recordings")
    .requiredOption("--from <time>", "from this time on, such as 2026-03-01T08:00:00Z", timeOption)
    .requiredOption("--to <time>", "before this time", timeOption)
    .requiredOption("--out <file>", "where to save the archive, as tar")
    .option("--no-recordings", "leave video out")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, { from, to, out, recordings, json }: ArchiveOptions) => {
    if (from >= to) throw new InvalidArgumentError("--from is not before --to");
    const signal = untilSignal();
    const { files, ...counts } = await withServer(command, async (client) => {
      const archive = new CameraArchive(client, name, { from, to, recordings }, signal);
      await writeExport(out, archive.content(), signal);
      return archive.archived;
    });
    if (json) return console.log(JSON.stringify({ name, file: out, ...counts }));
    const { events, pictures, frames, videos } = counts;
    console.log(
      `${out}: ${events} events, ${pictures} pictures, detections of ${frames} frames, ${videos} videos`,
    );
  });
}
