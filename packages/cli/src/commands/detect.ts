import { mkdir } from "node:fs/promises";
import { basename, extname, join } from "node:path";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";
import {
  computeLetterbox,
  type Detection,
  DetectorSession,
  decodeCandidates,
  readFrames,
  type Thresholds,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { type ChosenModel, chooseModel } from "../detect/choose-model.ts";
import { FrameWriter, sourceFrames } from "../detect/ffmpeg-pipe.ts";
import { findMedia, type MediaFile } from "../detect/media-files.ts";
import { paintDetections } from "../detect/paint-detections.ts";
import { ProgressLine } from "../detect/progress-line.ts";
import { wholeNumber } from "../number-options.ts";
import { untilSignal } from "../signals.ts";

interface DetectOptions {
  readonly model?: string;
  readonly precision?: "int8" | "fp32";
  readonly out?: string;
  readonly json?: boolean;
  readonly minScore?: number;
  readonly iou?: number;
  readonly threads?: number;
}

/** What every file of one run needs. */
interface Run {
  readonly session: DetectorSession;
  readonly model: ChosenModel;
  readonly thresholds: Thresholds;
  readonly ffmpeg: string;
  readonly out: string | undefined;
  readonly signal: AbortSignal;
  readonly progress: ProgressLine;
  readonly report: (media: MediaFile, frame: number, detections: readonly Detection[]) => void;
}

/** `sightline detect`: detections in pictures and videos, drawn into copies of them or printed. */
export function detectCommand(): Command {
  return new Command("detect")
    .description("detect objects in a picture, a video, or a folder of them")
    .argument("<path>", "picture, video or folder")
    .option(
      "--model <path>",
      "a model in models/, a model's folder, or a prepared ONNX file (default: the only one in models/)",
    )
    .addOption(
      new Option("--precision <name>", "file of the model's folder to run").choices(["int8", "fp32"]),
    )
    .option("--out <folder>", "draw boxes and save pictures and videos there")
    .option("--json", "print one JSON line a frame")
    .option("--min-score <p>", "lowest score to report, 0 to 1", fraction)
    .option("--iou <p>", "overlap from which NMS drops a box, 0 to 1", fraction)
    .option("--threads <n>", "threads of the inference", wholeNumber(1))
    .action(detect);
}

async function detect(path: string, options: DetectOptions): Promise<void> {
  const signal = untilSignal();
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const files = await findMedia(path, ffmpeg);
  const model = await chooseModel(options.model, join(projectRoot, "models"), options.precision);
  if (options.out !== undefined) await mkdir(options.out, { recursive: true });
  const session = await DetectorSession.load(model.file, { threads: options.threads });
  const { score, iou } = model.thresholds;
  const thresholds = { ...model.thresholds, score: options.minScore ?? score, iou: options.iou ?? iou };
  const total = files.reduce<number | undefined>(
    (sum, { frames }) => (sum === undefined || frames === undefined ? undefined : sum + frames),
    0,
  );
  const progress = new ProgressLine(total);
  const report = reporter(options, model.metadata.classes);
  const run: Run = { session, model, thresholds, ffmpeg, out: options.out, signal, progress, report };
  try {
    for (const media of files) await detectIn(media, run);
    progress.finish();
  } finally {
    await session.stop();
  }
}

async function detectIn(media: MediaFile, run: Run): Promise<void> {
  const { session, model, thresholds, ffmpeg, signal } = run;
  const { input, fit, frame, classes } = model.metadata;
  const frames = readFrames(media.path, {
    letterbox: (source) => computeLetterbox(source, input, fit),
    frame,
    ffmpeg,
    signal,
  });
  const sources = run.out === undefined ? undefined : sourceFrames(media, ffmpeg, signal);
  const writer = run.out === undefined ? undefined : new FrameWriter(media, target(media, run.out), ffmpeg);
  try {
    for await (const { index, pixels, letterbox } of frames) {
      const detections = decodeCandidates(await session.run(pixels, 1), 0, thresholds, letterbox);
      run.report(media, index, detections);
      const source = await sources?.next();
      if (writer && source?.done === false) {
        paintDetections({ ...media, pixels: source.value }, detections, classes);
        await writer.write(source.value);
      }
      run.progress.advance();
    }
    await writer?.finish();
  } finally {
    await sources?.return(undefined);
    writer?.stop();
  }
}

/** Where a file's copy goes: pictures keep their kind, videos become MP4. */
function target(media: MediaFile, folder: string): string {
  const name = basename(media.path);
  if (media.kind === "picture") return join(folder, name);
  return join(folder, `${basename(name, extname(name))}.mp4`);
}

/** JSON lines, or a table where no pictures are written. */
function reporter(options: DetectOptions, classes: readonly string[]): Run["report"] {
  if (options.json) {
    return ({ path, width, height }, frame, detections) => {
      const found = detections.map(({ classId, score, box }) => ({
        class: classes[classId],
        classId,
        score,
        box,
      }));
      console.log(JSON.stringify({ source: path, frame, width, height, detections: found }));
    };
  }
  if (options.out !== undefined) return () => undefined;
  console.log(
    `${"source".padEnd(32)} ${"frame".padStart(6)} ${"class".padEnd(16)} score     x1     y1     x2     y2`,
  );
  return ({ path }, frame, detections) => {
    for (const { classId, score, box } of detections) {
      const sides = box.map((side) => side.toFixed(0).padStart(6)).join(" ");
      const name = (classes[classId] ?? String(classId)).padEnd(16);
      console.log(
        `${basename(path).padEnd(32)} ${String(frame).padStart(6)} ${name} ${score.toFixed(3)} ${sides}`,
      );
    }
  };
}

function fraction(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("a number from 0 to 1");
  return value;
}
