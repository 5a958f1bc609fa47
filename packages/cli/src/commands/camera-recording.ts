import { Readable } from "node:stream";
import type { RecordingSpan, Video } from "@sightline/client";
import { toIso } from "@sightline/contracts";
import { Command, InvalidArgumentError, Option } from "commander";
import sharp from "sharp";
import { writeExport } from "../export/write-export.ts";
import { timeOption } from "../option-values.ts";
import { withServer } from "../server-connection.ts";
import { untilSignal } from "../signals.ts";
import { textTable } from "../text-table.ts";

interface RecordingOptions {
  from?: Date;
  to?: Date;
  out?: string;
  audio: boolean;
  json: boolean;
}

/** `sightline camera recording`: lists a camera's recordings, or saves a part of them. */
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

/** `sightline camera snapshot`: saves the newest picture of a camera. */
export function cameraSnapshotCommand(): Command {
  const command = new Command("snapshot")
    .argument("<name>", "the camera")
    .option("--out <file>", "where to save the JPEG; NAME.jpg unless given")
    .option("--annotated", "draw what was found into the picture", false)
    .addOption(
      new Option("--frame <which>", "camera: in the camera's own resolution; model: as the model saw it")
        .choices(["camera", "model"])
        .default("camera"),
    );
  return command.action(
    async (name: string, options: { out?: string; annotated: boolean; frame: string }) => {
      const { annotated, frame: which, out = `${name}.jpg` } = options;
      const { jpeg, frame } = await withServer(command, (client) =>
        client.cameras.snapshot(name, { annotated, modelFrame: which === "model" }),
      );
      await writeExport(out, Readable.from([jpeg]), untilSignal());
      const time = toIso(frame.captureTime) ?? "an unknown time";
      const { width, height } = await sharp(jpeg).metadata();
      console.log(`${out}: ${width}×${height}, frame ${frame.number} of ${time}, ${jpeg.byteLength} bytes`);
    },
  );
}

/** A saved video as `--json` prints it. */
interface SavedVideo {
  file: string;
  bytes: number;
  from: string;
  to: string;
}

/** Saves a video and prints what it contains. The file appears only when it is complete. @throws SightlineError, CliError */
export async function saveVideo(
  file: string,
  video: Video,
  json: boolean,
  signal: AbortSignal,
): Promise<void> {
  await writeExport(file, video.content, signal);
  const { sizeBytes: bytes, from, to } = video;
  const saved: SavedVideo = { file, bytes, from: from.toISOString(), to: to.toISOString() };
  const seconds = (to.getTime() - from.getTime()) / 1000;
  console.log(
    json
      ? JSON.stringify(saved)
      : `${file}: ${recordingTime(from)} to ${recordingTime(to)}, ${seconds.toFixed(1)} s, ${mebibytes(bytes)}`,
  );
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

const headings = ["FROM", "TO", "LASTS", "VIDEO", "SOUND", "KEPT FOR", "INGEST"];

/** A camera's recordings, one line per span. */
export function spanTable(spans: readonly RecordingSpan[]): string {
  return textTable([headings, ...spans.map(spanRow)]);
}

function spanRow({ from, to, codec, width, height, audio, eventsOnly, ingest }: RecordingSpan): string[] {
  return [
    recordingTime(from),
    recordingTime(to),
    lasting(to.getTime() - from.getTime()),
    `${codec} ${width}×${height}`,
    audio ? "yes" : "no",
    eventsOnly ? "events" : "always",
    ingest,
  ];
}

function lasting(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${seconds % 60} s` : `${seconds} s`;
}

/** A time in UTC, to the tenth of a second, in the form for `--from` and `--to`. */
export function recordingTime(time: Date): string {
  return `${time.toISOString().slice(0, 21)}Z`;
}
