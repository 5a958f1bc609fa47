import { Command, InvalidArgumentError } from "commander";
import { saveVideo } from "../recordings/save-video.ts";
import { spanTable } from "../recordings/span-table.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";
import { timeOption } from "../time-option.ts";

interface RecordingOptions {
  from?: Date;
  to?: Date;
  out?: string;
  audio: boolean;
  json: boolean;
}

/** `sightline camera recording`: lists what is recorded of a camera, or saves a part of it. */
export function cameraRecordingCommand(): Command {
  const command = new Command("recording")
    .argument("<name>", "the camera; one that was removed may still have recordings")
    .option("--from <time>", "from this time on, such as 2026-03-01T08:00:00Z", timeOption)
    .option("--to <time>", "up to this time; at most an hour after --from with --out", timeOption)
    .option("--out <file>", "save the video between --from and --to there, as MP4")
    .option("--no-audio", "leave out the sound that was recorded")
    .option("--json", "print as JSON", false);
  return command.action(async (name: string, options: RecordingOptions) => {
    const { from, to, out, audio, json } = options;
    if (from && to && from >= to) throw new InvalidArgumentError("--from is not before --to");
    if (!audio && out === undefined) throw new InvalidArgumentError("--no-audio goes with --out");
    if (out !== undefined && !(from && to))
      throw new InvalidArgumentError("--out saves what lies between --from and --to; give both");
    const signal = untilSignal();
    await withServer(command, async (client) => {
      if (out !== undefined && from && to) {
        const video = await client.recordings.video(name, { from, to }, { audio, signal });
        return saveVideo(out, video, json, signal);
      }
      const spans = await client.recordings.spans(name, { from, to, signal });
      if (json) for (const span of spans) console.log(JSON.stringify(span));
      else console.log(spans.length === 0 ? `nothing is kept of ${name}` : spanTable(spans));
    });
  });
}
