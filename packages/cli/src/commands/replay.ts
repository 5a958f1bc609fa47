import { stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isCameraId } from "@sightline/contracts";
import { toHttpEvent } from "@sightline/contracts/api";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";
import { DetectorSession } from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { type SecondStageOption, secondStage } from "../camera/camera-options.ts";
import { chooseModel } from "../detect/choose-model.ts";
import { OpenSecondStages } from "../detect/open-second-stages.ts";
import { CliError } from "../errors.ts";
import { InputFailures } from "../input-failures.ts";
import { timeOption } from "../option-values.ts";
import { analyzeVideo } from "../replay/analyzed-video.ts";
import { readRulesFile } from "../rules/read-rules-file.ts";
import { untilSignal } from "../signals.ts";

interface ReplayOptions {
  readonly rules: string;
  readonly model?: string;
  readonly precision?: "int8" | "fp32";
  readonly speed: number;
  readonly camera: string;
  readonly startTime?: Date;
  readonly then?: readonly SecondStageOption[];
}

/** `sightline replay`: a recorded file through detection, tracking and rules; one JSON line per event. */
export function replayCommand(): Command {
  return new Command("replay")
    .argument(
      "<video>",
      "a video file; one that is cut short is reported, except raw H.264 and H.265, which do not say where they end",
    )
    .requiredOption("--rules <file>", "rules in JSON or YAML (docs/rules.md)")
    .option(
      "--model <path>",
      "a model in models/, a model's folder, or a prepared ONNX file (default: the only one in models/)",
    )
    .addOption(
      new Option("--precision <name>", "file of the model's folder to run").choices(["int8", "fp32"]),
    )
    .option(
      "--then <model[:a,b]>",
      "a classifier that looks at what was found, of the classes a and b only; may be given several times",
      secondStage,
    )
    .addOption(
      new Option("--speed <factor>", "max, or how many times as fast as the video: 1 is its own speed")
        .argParser(speed)
        .default(Infinity, "max"),
    )
    .option("--camera <id>", "name the camera in the events", cameraId, "replay")
    .option(
      "--start-time <time>",
      "when the video begins, for its events' times and rules' active hours (default: 1970-01-01T00:00Z)",
      timeOption,
    )
    .action(replay);
}

async function replay(path: string, options: ReplayOptions): Promise<void> {
  const signal = untilSignal();
  if ((await stat(path).catch(() => undefined))?.isDirectory())
    throw new CliError("usage", `${path} is a folder; name one video file in it`);
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const models = join(projectRoot, "models");
  const model = await chooseModel(options.model, models, options.precision);
  const stages = await OpenSecondStages.open(options.then, models, model.metadata);
  const { classes } = model.metadata;
  const rules = await readRulesFile(options.rules, { classes, attributes: stages.attributes });
  const { camera, speed, startTime } = options;
  if (startTime === undefined && rules.rules.some(({ activeHours }) => activeHours !== undefined))
    console.error(
      "sightline: rules have active hours, and no --start-time is given: the video begins on Thursday 00:00 UTC",
    );
  // The decoder needs the processor while this session's threads are idle.
  const session = await DetectorSession.load(model.file, { spin: false });
  const startedAt = performance.now();
  try {
    const startMs = startTime?.getTime() ?? 0;
    const onFailure = new InputFailures().add;
    const video = { path, camera, startMs, rules, session, stages, model, ffmpeg, signal, onFailure };
    for await (const step of analyzeVideo(video)) {
      const early = step.ptsUs / 1000 / speed - (performance.now() - startedAt);
      if (early > 0) await delay(early, undefined, { signal });
      // A replay keeps no pictures.
      for (const event of step.events)
        console.log(JSON.stringify({ ...toHttpEvent(event), hasSnapshot: false }));
    }
  } finally {
    await session.stop();
    await stages.stop();
  }
}

function speed(text: string): number {
  if (text === "max") return Infinity;
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("max, or a number above 0");
  return value;
}

function cameraId(text: string): string {
  if (!isCameraId(text)) throw new InvalidArgumentError("1 to 63 characters of a-z, 0-9 and '-'");
  return text;
}
