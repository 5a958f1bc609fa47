import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, extname, join } from "node:path";
import { toHttpAttributes } from "@sightline/contracts/api";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";
import {
  DetectorSession,
  decodeCandidates,
  EvaluationError,
  framesFor,
  readFrames,
  type Thresholds,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { type SecondStageOption, secondStage } from "../camera/camera-options.ts";
import { type ChosenModel, chooseModel } from "../detect/choose-model.ts";
import { FrameWriter, sourceFrames } from "../detect/ffmpeg-pipe.ts";
import { findMedia, type MediaFile, type MediaPath, openMedia } from "../detect/media-files.ts";
import { type Looked, OpenSecondStages } from "../detect/open-second-stages.ts";
import { paintDetections } from "../detect/paint-detections.ts";
import { ProgressLine } from "../detect/progress-line.ts";
import { CliError } from "../errors.ts";
import { InputFailures } from "../input-failures.ts";
import { wholeNumber } from "../option-values.ts";
import { untilSignal } from "../signals.ts";

interface DetectOptions {
  readonly model?: string;
  readonly precision?: "int8" | "fp32";
  readonly out?: string;
  readonly json?: boolean;
  readonly minScore?: number;
  readonly iou?: number;
  readonly threads?: number;
  readonly then?: readonly SecondStageOption[];
}

/** Everything that the files of one run share. */
interface Run {
  readonly session: DetectorSession;
  readonly stages: OpenSecondStages;
  readonly model: ChosenModel;
  readonly thresholds: Thresholds;
  readonly ffmpeg: string;
  /** Where a file's copy is written; undefined when none is wanted. */
  readonly target: ((media: MediaPath) => string) | undefined;
  /** Copies that are complete. */
  readonly written: string[];
  readonly signal: AbortSignal;
  readonly progress: ProgressLine;
  readonly failures: InputFailures;
  readonly report: (media: MediaFile, frame: number, detections: readonly Looked[]) => void;
}

/** `sightline detect`: detections in pictures and videos, drawn into copies of them or printed. */
export function detectCommand(): Command {
  return new Command("detect")
    .description("detect objects in a picture, a video, or a folder of them")
    .argument(
      "<path>",
      "picture, video or folder; files that are cut short are reported, except raw H.264 and H.265, which do not say where they end",
    )
    .option(
      "--model <path>",
      "a model in models/, a model's folder, or a prepared ONNX file (default: the only one in models/)",
    )
    .addOption(
      new Option("--precision <name>", "file of the model's folder to run").choices(["int8", "fp32"]),
    )
    .option(
      "--out <path>",
      "draw boxes and save the copies in this folder, or one picture or video as this file (.jpg, .png, .mp4 …)",
    )
    .option("--json", "print one JSON line a frame")
    .option("--min-score <p>", "lowest score to report, 0 to 1", fraction)
    .option("--iou <p>", "overlap from which NMS drops a box, 0 to 1", fraction)
    .option(
      "--then <model[:a,b]>",
      "a classifier that looks at what was found, of the classes a and b only; may be given several times",
      secondStage,
    )
    .option("--threads <n>", "threads of the inference", wholeNumber(1))
    .action(detect);
}

async function detect(path: string, options: DetectOptions): Promise<void> {
  const signal = untilSignal();
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const paths = await findMedia(path);
  // A single file is opened first: it may be invalid, or tell its length.
  const files: readonly (MediaPath | MediaFile)[] =
    paths.length === 1 ? [await openMedia(paths[0]!, ffmpeg, signal)] : paths;
  const models = join(projectRoot, "models");
  const model = await chooseModel(options.model, models, options.precision);
  const target = options.out === undefined ? undefined : await targets(options.out, files);
  const stages = await OpenSecondStages.open(options.then, models, model.metadata, options.threads);
  // The decoder needs the processor while this session's threads are idle.
  const session = await DetectorSession.load(model.file, { threads: options.threads, spin: false });
  const { score, iou } = model.thresholds;
  const thresholds = { ...model.thresholds, score: options.minScore ?? score, iou: options.iou ?? iou };
  const progress = new ProgressLine(expectedFrames(files));
  const report = reporter(options, model.metadata.classes);
  const written: string[] = [];
  const failures = new InputFailures();
  const run = {
    session,
    stages,
    model,
    thresholds,
    ffmpeg,
    target,
    written,
    signal,
    progress,
    failures,
    report,
  };
  try {
    for (const file of files) {
      try {
        await detectIn("facts" in file ? file : await openMedia(file, ffmpeg, signal), run);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof CliError || error instanceof EvaluationError)) throw error;
        failures.add(error);
      }
    }
    progress.finish();
  } finally {
    // With --json, standard output contains nothing but JSON.
    for (const path of written) (options.json ? console.error : console.log)(path);
    await session.stop();
    await stages.stop();
  }
}

/** Frames of all files, if their number is known before reading. */
function expectedFrames(files: readonly (MediaPath | MediaFile)[]): number | undefined {
  const [first] = files;
  if (files.length === 1 && first && "frames" in first) return first.frames;
  return files.every(({ kind }) => kind === "picture") ? files.length : undefined;
}

async function detectIn(media: MediaFile, run: Run): Promise<void> {
  const { session, stages, model, thresholds, ffmpeg, signal } = run;
  const frames = readFrames(media, {
    ...framesFor(model.metadata),
    ffmpeg,
    signal,
    onFailure: run.failures.add,
  });
  const target = run.target?.(media);
  const sources = target === undefined ? undefined : sourceFrames(media, ffmpeg, signal);
  const writer = target === undefined ? undefined : new FrameWriter(media, target, ffmpeg);
  try {
    for await (const { index, pixels, letterbox } of frames) {
      const found = decodeCandidates(await session.run(pixels, 1), 0, thresholds, letterbox);
      const detections = await stages.look(pixels, letterbox, found);
      run.report(media, index, detections);
      const source = await sources?.next();
      if (writer && source?.done === false) {
        paintDetections({ ...media, pixels: source.value }, detections, model.metadata.classes);
        await writer.write(source.value);
      }
      run.progress.advance();
    }
    await writer?.finish();
    if (target !== undefined) run.written.push(target);
  } finally {
    await sources?.return(undefined);
    writer?.stop();
  }
}

/**
 * Where each file's copy is written: to the named file for a single picture or video, otherwise into the folder.
 * @throws InvalidArgumentError when a copy cannot be written there
 */
async function targets(out: string, files: readonly MediaPath[]): Promise<(media: MediaPath) => string> {
  const isFolder = (await stat(out).catch(() => undefined))?.isDirectory();
  const named = isFolder ? undefined : Object.entries(namesOf).find(([, name]) => name.test(out))?.[0];
  if (named !== undefined && files.length > 1)
    throw new InvalidArgumentError(
      `--out ${out} is a file's name, but there are ${files.length} pictures and videos; name a folder`,
    );
  if (named !== undefined && named !== files[0]!.kind)
    throw new InvalidArgumentError(
      `--out ${out} is a ${named}'s name, but ${files[0]!.path} is a ${files[0]!.kind}`,
    );
  const names = copyNames(files);
  const target = (media: MediaPath) => (named === undefined ? join(out, names.get(media.path)!) : out);
  for (const media of files)
    if ((await realpath(media.path)) === (await realpath(target(media)).catch(() => undefined)))
      throw new InvalidArgumentError(`--out ${out} would replace ${media.path} itself; name another place`);
  await mkdir(named === undefined ? out : dirname(out), { recursive: true });
  return target;
}

/** File names that a copy may have. */
const namesOf = { picture: /\.(jpe?g|png|bmp|webp)$/i, video: /\.(mp4|m4v|mov|mkv)$/i };

/**
 * Names of the copies by the paths of their files: pictures keep their kind, videos become MP4. If two copies would get the same name, as
 * for a.mov and a.mkv, their own extension is kept in it. Names that differ only in case count as equal, since some file systems treat
 * them so.
 */
function copyNames(files: readonly MediaPath[]): Map<string, string> {
  const plain = ({ path, kind }: MediaPath) =>
    kind === "picture" ? basename(path) : `${basename(path, extname(path))}.mp4`;
  const wanted = new Map<string, number>();
  const count = (name: string) => wanted.get(name.toLowerCase()) ?? 0;
  for (const media of files) wanted.set(plain(media).toLowerCase(), count(plain(media)) + 1);
  const isOwn = ({ path }: MediaPath, name: string) => basename(path) === name;
  const names = new Map<string, string>();
  const given = new Set<string>();
  const give = ({ path }: MediaPath, name: string) => {
    names.set(path, name);
    given.add(name.toLowerCase());
  };
  // Files that keep their name, or are the only ones to want it, come before those that need another.
  for (const media of files)
    if (isOwn(media, plain(media)) || count(plain(media)) === 1) give(media, plain(media));
  for (const media of files) {
    if (names.has(media.path)) continue;
    let name = `${basename(media.path)}.mp4`;
    for (let more = 2; given.has(name.toLowerCase()); more++) name = `${basename(media.path)}-${more}.mp4`;
    give(media, name);
  }
  return names;
}

/** JSON lines, or a table when no pictures are written. */
function reporter(options: DetectOptions, classes: readonly string[]): Run["report"] {
  if (options.json) {
    return ({ path, width, height }, frame, detections) => {
      const found = detections.map(({ classId, score, box, attributes }) => ({
        class: classes[classId],
        classId,
        score,
        box,
        ...(attributes.length > 0 && { attributes: toHttpAttributes(attributes) }),
      }));
      console.log(JSON.stringify({ source: path, frame, width, height, detections: found }));
    };
  }
  if (options.out !== undefined) return () => undefined;
  console.log(
    `${"source".padEnd(32)} ${"frame".padStart(6)} ${"class".padEnd(16)} score     x1     y1     x2     y2`,
  );
  return ({ path }, frame, detections) => {
    for (const { classId, score, box, attributes } of detections) {
      const sides = box.map((side) => side.toFixed(0).padStart(6)).join(" ");
      const name = (classes[classId] ?? String(classId)).padEnd(16);
      console.log(
        `${basename(path).padEnd(32)} ${String(frame).padStart(6)} ${name} ${score.toFixed(3)} ${sides}${attributesText(attributes)}`,
      );
    }
  };
}

/** Appended to a line: "  colour red 93%". */
function attributesText(attributes: Looked["attributes"]): string {
  return attributes
    .map(({ name, value, score }) => `  ${name} ${value} ${Math.round(100 * score)}%`)
    .join("");
}

function fraction(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("a number from 0 to 1");
  return value;
}
