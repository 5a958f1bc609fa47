import { Command, InvalidArgumentError } from "commander";
import { CameraArchive } from "../export/camera-archive.ts";
import { writeExport } from "../export/write-export.ts";
import { timeOption } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";

interface ExportOptions {
  from: Date;
  to: Date;
  out: string;
  recordings: boolean;
  json: boolean;
}

/** `sightline camera export`: all that is kept of a camera in a range of time, as one archive. */
export function cameraExportCommand(): Command {
  const command = new Command("export")
    .argument("<name>", "the camera; one that was removed may still have events, pictures and recordings")
    .requiredOption("--from <time>", "from this time on, such as 2026-03-01T08:00:00Z", timeOption)
    .requiredOption("--to <time>", "before this time", timeOption)
    .requiredOption("--out <file>", "where to save the archive, as tar")
    .option("--no-recordings", "leave video out")
    .option("--json", "print the outcome as JSON", false);
  return command.action(async (name: string, { from, to, out, recordings, json }: ExportOptions) => {
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
