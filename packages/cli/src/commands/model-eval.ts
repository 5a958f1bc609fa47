import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { findFfmpeg } from "@sightline/rtsp";
import {
  addModelFiles,
  evaluateModels,
  framesFor,
  imageIds,
  labelledFrames,
  loadModel,
  MANIFEST_FILE,
  type ModelEvaluation,
  type ModelPrecision,
  type ModelSource,
  preparedMetadata,
  processorKind,
  readCocoAnnotations,
  readFrames,
  readManifest,
} from "@sightline/yolo-nas";
import { Command, InvalidArgumentError, Option } from "commander";
import { CliError } from "../errors.ts";
import { InputFailures } from "../input-failures.ts";
import { untilSignal } from "../signals.ts";

interface EvalOptions {
  readonly coco: string;
  readonly images: string;
  readonly compare?: string;
  readonly provider: ModelSource["provider"];
  readonly compareProvider: ModelSource["provider"];
  readonly simulate?: boolean;
  readonly minHeight: number;
  readonly record?: boolean;
  readonly json?: boolean;
}

function height(text: string): number {
  const value = Number(text);
  if (!(value >= 0)) throw new InvalidArgumentError("a height in pixels");
  return value;
}

const provider = (flag: string) =>
  new Option(flag, "where to run").choices(["cpu", "cuda", "tensorrt"]).default("cpu");

/** `sightline model eval`: the 12 COCO metrics of one prepared model, or of two side by side. */
export function modelEvalCommand(): Command {
  return new Command("eval")
    .description("score a prepared model by COCO's 12 numbers, or two models on the same frames")
    .argument("<model>", "a prepared model, FP32 or INT8")
    .requiredOption("--coco <file>", "annotations in COCO format")
    .requiredOption("--images <path>", "folder of pictures, or a video whose frame numbers are the image ids")
    .option("--compare <model>", "a second model, scored on the same frames")
    .addOption(provider("--provider <name>"))
    .addOption(provider("--compare-provider <name>"))
    .option(
      "--simulate",
      "compute INT8 as it is written, in float: what TensorRT gives, or a CPU whose sums are exact",
    )
    .option("--min-height <px>", "also score only boxes taller than this", height, 32)
    .option("--record", "write the accuracy into the model.json beside each model")
    .option("--json", "print one JSON object")
    .action(async (model: string, options: EvalOptions) => {
      const paths = options.compare ? [model, options.compare] : [model];
      if (options.record) {
        const providers = [options.provider, options.compareProvider];
        for (const [index, path] of paths.entries()) {
          const forTensorRt = (await manifestEntry(path)) === "int8Trt" && providers[index] === "cpu";
          if (forTensorRt && !options.simulate)
            throw new CliError(
              "usage",
              `${path} is for TensorRT: give --simulate, which computes on the CPU what TensorRT would`,
            );
        }
      }
      const annotations = await readCocoAnnotations(options.coco);
      const simulateInt8 = options.simulate === true;
      const models: ModelSource[] = [{ model, provider: options.provider, simulateInt8 }];
      if (options.compare)
        models.push({ model: options.compare, provider: options.compareProvider, simulateInt8 });
      const isVideo = !(await stat(options.images).catch(() => undefined))?.isDirectory();
      const failures = new InputFailures();
      const idOf = imageIds(annotations);
      const read = {
        ...framesFor(preparedMetadata((await loadModel(model)).metadata)),
        ffmpeg: await findFfmpeg(process.env.FFMPEG_PATH),
        signal: untilSignal(),
        onFailure: failures.add,
      };
      const frames = labelledFrames(readFrames(options.images, read), (frame) => idOf(frame, isVideo));
      const total = annotations.images.length;
      const results = await evaluateModels(models, annotations, frames, {
        minHeight: options.minHeight,
        onFrame: (done) => {
          if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${total} frames`);
        },
      });
      if (process.stderr.isTTY) process.stderr.write("\n");
      if (options.record && failures.count > 0)
        console.error("sightline: nothing is recorded, since not all frames could be read");
      else if (options.record)
        for (const [index, path] of paths.entries()) await record(path, results[index]!, models[index]!);
      const [first, second] = results as [ModelEvaluation, ModelEvaluation | undefined];
      if (options.json) {
        const compare = second ? { compare: { model: options.compare, ...second } } : {};
        console.log(JSON.stringify({ model, ...first, ...compare }));
      } else console.log(table(model, first, options.compare, second));
    });
}

/** The model.json entry of a file. @throws CliError; ModelFileError when the digest does not match the file */
async function manifestEntry(path: string): Promise<ModelPrecision> {
  const manifest = join(dirname(path), MANIFEST_FILE);
  const { files } = await readManifest(manifest);
  const entry = Object.entries(files).find(([, { file }]) => file === basename(path));
  if (!entry) throw new CliError("not_found", `${manifest} does not name ${basename(path)}`);
  return entry[0] as ModelPrecision;
}

async function record(
  path: string,
  { metrics, tallerThan }: ModelEvaluation,
  { provider = "cpu", simulateInt8 = false }: ModelSource,
): Promise<void> {
  const tall = `TallerThan${tallerThan.minHeight}`;
  const { ap, ap50, ap75 } = metrics;
  const numbers = { ap, ap50, ap75, [`ap${tall}`]: tallerThan.ap, [`ap50${tall}`]: tallerThan.ap50 };
  // Negative where there was nothing to find.
  const measured = Object.entries(numbers).filter(([, value]) => value >= 0);
  const accuracy = Object.fromEntries(measured.map(([name, value]) => [name, Number(value.toFixed(4))]));
  const entry = await manifestEntry(path);
  const kind = await processorKind(await loadModel(path), { provider, simulateInt8 });
  await addModelFiles(dirname(path), {}, { [entry]: accuracy }, { [entry]: kind });
}

const NAMES = {
  ap: "AP 0.50:0.95",
  ap50: "AP 0.50",
  ap75: "AP 0.75",
  apSmall: "AP small",
  apMedium: "AP medium",
  apLarge: "AP large",
  ar1: "AR, 1 a picture",
  ar10: "AR, 10 a picture",
  ar100: "AR, 100 a picture",
  arSmall: "AR small",
  arMedium: "AR medium",
  arLarge: "AR large",
} as const;

/** Percent; a dash where there was nothing to find. */
function percent(value: number | undefined): string {
  return value === undefined || value < 0 ? "–" : (100 * value).toFixed(2);
}

function table(
  model: string,
  first: ModelEvaluation,
  other: string | undefined,
  second?: ModelEvaluation,
): string {
  const row = (name: string, a: number, b: number | undefined) => {
    const cells = [name.padEnd(24), percent(a).padStart(8)];
    if (b !== undefined)
      cells.push(percent(b).padStart(8), b < 0 || a < 0 ? "" : (100 * (b - a)).toFixed(2).padStart(8));
    return cells.join("");
  };
  const lines = [`${first.frames} frames of ${model}${other ? ` against ${other}` : ""}, in percent`];
  for (const [key, name] of Object.entries(NAMES) as [keyof typeof NAMES, string][]) {
    lines.push(row(name, first.metrics[key], second?.metrics[key]));
  }
  const tall = `taller than ${first.tallerThan.minHeight} px`;
  lines.push(row(`AP, ${tall}`, first.tallerThan.ap, second?.tallerThan.ap));
  lines.push(row(`AP 0.50, ${tall}`, first.tallerThan.ap50, second?.tallerThan.ap50));
  const times = [first, second].filter((e) => e !== undefined).map((e) => `${e.inferenceMs.toFixed(1)} ms`);
  lines.push(`inference, one frame: ${times.join(" against ")}`);
  return lines.join("\n");
}
