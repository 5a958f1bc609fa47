/** The checks of run.sh. Each prints one line. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import {
  addModelFiles,
  buildEngine,
  checkEngine,
  DetectorSession,
  type EngineBuilder,
  type ExecutionProvider,
  findEngineBuilder,
  type PixelFormat,
  providerObstacle,
  queryGpu,
} from "@sightline/yolo-nas";
import { CheckRunner, Skipped } from "./check-runner.ts";
import { decodeRate } from "./decode-rate.ts";
import { batchMs, difference, feeds, medianRunMs, open, outputs } from "./session-outputs.ts";
import { upRun } from "./up-run.ts";

const run = promisify(execFile);
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    level: { type: "string" },
    limit: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const [modelFolder, video, labels] = positionals;
if (!modelFolder) {
  console.error(
    "usage: test/gpu/run.sh MODEL_FOLDER [VIDEO COCO_JSON] [--level N] [--limit SECONDS] [--only WORD]",
  );
  process.exit(2);
}
const level = values.level === undefined ? undefined : Number(values.level);
const levelWords = level === undefined ? [] : ["--optimization-level", String(level)];
// Above level 1 TensorRT looks for fast kernels for minutes, ten for one engine of S.
const limit = Number(values.limit ?? (level !== undefined && level <= 1 ? 900 : 3_600));
const runner = new CheckRunner({ limitMs: 1000 * limit, only: values.only });
const trtexec = process.env.TRTEXEC || undefined;
const trtexecWords = trtexec === undefined ? [] : ["--trtexec", trtexec];
const batches = [1, 2, 4, 8, 32];
const most = Math.max(...batches);
const work = await mkdtemp(join(tmpdir(), "sightline-gpu-"));
// A copy: the engine is named in the model's manifest.
const folder = join(work, basename(resolve(modelFolder)));
await cp(modelFolder, folder, { recursive: true });
const file = (name: string) => join(folder, name);
/** The engine by what it reads frames as. */
const engines = { gbrp: file("int8.engine.onnx"), i420: file("int8.halves.onnx") } as const;
const wrapperPath = engines.gbrp;
const built = new Set<PixelFormat>();

/** What a check needs, or it is skipped. */
async function needGpu(): Promise<void> {
  if (!(await queryGpu())) throw new Skipped("nvidia-smi names no GPU");
}
async function needProvider(provider: "cuda" | "tensorrt"): Promise<void> {
  const obstacle = await providerObstacle(provider);
  if (obstacle) throw new Skipped(obstacle.message);
}
async function needEngine(pixelFormat: PixelFormat = "gbrp"): Promise<void> {
  await needProvider("tensorrt");
  if (!built.has(pixelFormat)) throw new Skipped(`no engine that reads ${pixelFormat} was built`);
}

function engineBuilder(): Promise<EngineBuilder> {
  return findEngineBuilder({ trtexec }).catch((error: Error) => {
    throw new Skipped(error.message);
  });
}

/** A command of ours, to its end; its standard output. */
async function sightline(words: readonly string[], signal: AbortSignal, env: NodeJS.ProcessEnv = {}) {
  const options = { signal, maxBuffer: 64e6, env: { ...process.env, ...env } };
  const { stdout } = await run("./sightline", [...words], options).catch(
    (error: Error & { stderr?: string }) => {
      throw new Error(error.stderr?.trim().split("\n").slice(-2).join(" ") || error.message);
    },
  );
  return stdout;
}

const cpu = await outputs(await open(file("fp32.onnx"), "cpu"), 1);

await runner.check("the INT8 engine is built", async (signal) => {
  await needGpu();
  const builder = await engineBuilder();
  const { key } = await buildEngine({
    onnxPath: file("int8.trt.onnx"),
    outPath: wrapperPath,
    profile: { min: 1, opt: 8, max: most },
    optimizationLevel: level,
    builder,
    signal,
  });
  await addModelFiles(folder, { trtEngine: basename(wrapperPath) });
  built.add("gbrp");
  return `TensorRT ${key.tensorrt} on ${key.gpu.name}, by ${builder.name}`;
});

await runner.check("the engine is accepted on this machine's GPU", async () => {
  await needEngine();
  const gpu = await queryGpu();
  await checkEngine(wrapperPath, { gpu, onnxPath: file("int8.trt.onnx"), maxBatch: most });
  return `${gpu?.name}, compute capability ${gpu?.computeCapability}`;
});

await runner.check("onnxruntime-node loads the wrapped engine and agrees with FP32 on the CPU", async () => {
  await needEngine();
  const noise = difference(cpu, await outputs(await open(wrapperPath, "tensorrt"), 1));
  if (noise > 0.05) throw new Error(`noise over signal ${noise}`);
  return `noise over signal ${noise.toExponential(2)}`;
});

await runner.check("the engine takes every batch size of its profile", async () => {
  await needEngine();
  const session = await open(wrapperPath, "tensorrt");
  const times: string[] = [];
  for (const batch of batches) times.push(`${batch}: ${(await medianRunMs(session, batch)).toFixed(2)} ms`);
  return times.join(", ");
});

await runner.check("the engine refuses a batch beyond its profile", async () => {
  await needEngine();
  const session = await open(wrapperPath, "tensorrt");
  const refused = await session.run(feeds(session, most + 1)).then(
    () => false,
    () => true,
  );
  if (!refused) throw new Error(`batch ${most + 1} ran`);
  return undefined;
});

for (const [name, path, bound] of [
  ["FP32", "fp32.onnx", 1e-3],
  ["the uint8 file", "int8.cpu.onnx", 0.05],
] as const)
  await runner.check(`CUDA runs ${name} and agrees with the CPU`, async () => {
    await needProvider("cuda");
    const session = await open(file(path), "cuda");
    const noise = difference(cpu, await outputs(session, 1));
    if (noise > bound) throw new Error(`noise over signal ${noise}`);
    return `${(await medianRunMs(session, 1)).toFixed(2)} ms`;
  });

await runner.check("with I420 CUDA and an engine agree with the CPU, and take so long", async (signal) => {
  await needGpu();
  const options = {
    onnxPath: file("int8.trt.onnx"),
    outPath: engines.i420,
    optimizationLevel: level,
    signal,
  };
  const profile = { min: 1, opt: 8, max: most };
  const said: string[] = [];
  const load = (path: string, executionProvider: ExecutionProvider, pixelFormat: PixelFormat) =>
    DetectorSession.load(path, { executionProvider, pixelFormat });
  const reference = await load(file("fp32.onnx"), "cpu", "i420");
  const pixels = Uint8Array.from(
    { length: most * reference.frameBytes },
    (_, i) => (i * 31 + (i >> 9) * 7) & 255,
  );
  const wanted = await reference.run(pixels, 1);
  for (const [provider, path, bound] of [
    ["cuda", file("fp32.onnx"), 1e-3],
    ["tensorrt", engines.i420, 0.05],
  ] as const) {
    if (await providerObstacle(provider)) continue;
    if (provider === "tensorrt") {
      await buildEngine({ ...options, profile, pixelFormat: "i420", builder: await engineBuilder() });
      built.add("i420");
    }
    const session = await load(path, provider, "i420");
    const { boxes, scores } = await session.run(pixels, 1);
    const noise = difference({ boxes: wanted.boxes, scores: wanted.scores }, { boxes, scores });
    if (noise > bound) throw new Error(`${provider}: noise over signal ${noise}`);
    const planes = await load(provider === "cuda" ? path : wrapperPath, provider, "gbrp");
    const times: number[] = [];
    for (const each of [session, planes])
      times.push(await batchMs(each, new Uint8Array(most * each.frameBytes), most));
    said.push(`${provider}: ${times.map((ms) => ms.toFixed(2)).join(" ms, gbrp ")} ms for ${most} frames`);
  }
  if (said.length === 0) throw new Skipped("no provider of a GPU works");
  return said.join("; ");
});

await runner.check("box AP of the engine is within 0.5 of FP32", async (signal) => {
  if (!video || !labels) throw new Skipped("give VIDEO and COCO_JSON");
  await needEngine();
  const pair = [
    "model",
    "eval",
    file("fp32.onnx"),
    "--compare",
    wrapperPath,
    "--compare-provider",
    "tensorrt",
  ];
  const text = await sightline([...pair, "--coco", labels, "--images", video, "--json"], signal);
  const { metrics, compare } = JSON.parse(text) as {
    metrics: { ap: number };
    compare: { metrics: { ap: number } };
  };
  const drop = 100 * (metrics.ap - compare.metrics.ap);
  if (drop > 0.5) throw new Error(`${drop.toFixed(2)} points lost`);
  return `${drop.toFixed(2)} points lost`;
});

for (const arch of ["yolo_nas_s", "yolo_nas_m", "yolo_nas_l"])
  await runner.check(`INT8 and FP16 engines of ${arch}`, async (signal) => {
    await needProvider("tensorrt");
    const words = [
      "bench",
      "model",
      "--provider",
      "tensorrt",
      "--arch",
      arch,
      "--batch",
      "1,8,32",
      "--rounds",
      "2",
    ];
    return `\n${await sightline([...words, ...levelWords, ...trtexecWords], signal)}`;
  });

for (const frames of ["gbrp", "i420"] as const)
  for (const batch of [8, 32])
    await runner.check(
      `end to end with ${frames} at batch ${batch}: frames/s and share of the bare loop`,
      async (signal) => {
        await needEngine(frames);
        await addModelFiles(folder, { trtEngine: basename(engines[frames]) });
        const words = [
          ...["--models", work, "--model", basename(folder), "--provider", "tensorrt", "--frames", frames],
          ...["--cameras", "32", "--batch", String(batch), "--sessions", "1,2", "--json"],
        ];
        const text = await sightline(["bench", "end-to-end", ...words], signal);
        const { bare, others, ...first } = JSON.parse(text);
        return [first, ...others]
          .map(({ sessions, service, throughputShare, busyShare }) => {
            const rates = `${Math.max(...service).toFixed(0)} of ${Math.max(...bare).toFixed(0)} frames/s`;
            return `${sessions} session(s): ${rates}, share ${throughputShare.toFixed(2)}, busy ${(100 * busyShare).toFixed(0)}%`;
          })
          .join("; ");
      },
    );

await runner.check("software decodes and scales 16 streams, to compare", async (signal) => {
  if (!video) throw new Skipped("give VIDEO");
  const { framesPerSecond } = await decodeRate(video, "software", 16, 100, signal);
  return `${framesPerSecond.toFixed(0)} frames/s`;
});

await runner.check("NVDEC decodes and scales 16 streams", async (signal) => {
  if (!video) throw new Skipped("give VIDEO");
  const { framesPerSecond } = await decodeRate(video, "cuda", 16, 1000, signal);
  return `${framesPerSecond.toFixed(0)} frames/s`;
});

await runner.check("all of `up` with 16 cameras for 60 s on TensorRT", async (signal) => {
  if (!video) throw new Skipped("give VIDEO");
  // As `model engine` builds it.
  const frames = built.has("i420") ? "i420" : "gbrp";
  await needEngine(frames);
  await addModelFiles(folder, { trtEngine: basename(engines[frames]) });
  const run = join(work, "up");
  await mkdir(run);
  const name = basename(folder);
  const env = {
    SIGHTLINE_EXECUTION_PROVIDER: "tensorrt",
    SIGHTLINE_MODEL_DIR: work,
    SIGHTLINE_MODELS: name,
    SIGHTLINE_MODEL: name,
    SIGHTLINE_DEFAULT_MODEL: name,
  };
  const found = await upRun({ video, cameras: 16, seconds: 60, env, folder: run, signal });
  if (found.executionProviders.join() !== "tensorrt")
    throw new Error(`it ran on ${found.executionProviders.join(", ")}`);
  const { captured, inferred, framesPerSecond, latencyMs } = found;
  return `${framesPerSecond.toFixed(0)} frames/s, ${inferred} of ${captured} frames inferred, latency ${latencyMs.p50.toFixed(0)} ms, p95 ${latencyMs.p95.toFixed(0)}`;
});

await rm(work, { recursive: true, force: true });
process.exit(runner.end());
