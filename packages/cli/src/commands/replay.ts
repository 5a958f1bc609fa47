import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { isCameraId, toHttpEvent } from "@sightline/contracts";
import { findFfmpeg } from "@sightline/rtsp";
import { parseRulesFile } from "@sightline/rules";
import { projectRoot } from "@sightline/stack";
import { DetectorSession } from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { chooseModel } from "../detect/choose-model.ts";
import { analyzeVideo } from "../replay/analyzed-video.ts";
import { untilSignal } from "../signals.ts";

interface ReplayOptions {
  readonly rules: string;
  readonly model?: string;
  readonly precision?: "int8" | "fp32";
  readonly speed: number;
  readonly camera: string;
}

/** `sightline replay`: a recorded file through detection, tracking and rules; one JSON line for each event. */
export function replayCommand(): Command {
  return new Command("replay")
    .argument("<video>", "a video file")
    .requiredOption("--rules <file>", "rules in JSON or YAML (docs/rules.md)")
    .option("--model <path>", "a model's folder, or a prepared ONNX file (default: the model in models/)")
    .addOption(
      new Option("--precision <name>", "file of the model's folder to run").choices(["int8", "fp32"]),
    )
    .option(
      "--speed <factor>",
      "max, or how many times as fast as the video: 1 is its own speed",
      speed,
      Infinity,
    )
    .option("--camera <id>", "name the camera in the events", cameraId, "replay")
    .action(replay);
}

async function replay(path: string, options: ReplayOptions): Promise<void> {
  const signal = untilSignal();
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  const model = await chooseModel(options.model, join(projectRoot, "models"), options.precision);
  const text = await readFile(options.rules, "utf8");
  const rules = parseRulesFile(text, options.rules, { classes: model.metadata.classes });
  const session = await DetectorSession.load(model.file);
  const startedAt = performance.now();
  try {
    const { camera, speed } = options;
    for await (const step of analyzeVideo({ path, camera, rules, session, model, ffmpeg, signal })) {
      const early = step.ptsUs / 1000 / speed - (performance.now() - startedAt);
      if (early > 0) await delay(early, undefined, { signal });
      for (const event of step.events) console.log(JSON.stringify(toHttpEvent(event)));
    }
  } finally {
    await session.stop();
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
