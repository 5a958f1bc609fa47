import { availableParallelism } from "node:os";
import { isModelName } from "@sightline/contracts";
import {
  type Config,
  commonSettings,
  frameMemoryDirectorySetting,
  replicasSetting,
  setting,
  tracingSettings,
} from "@sightline/service";
import { z } from "zod";
import { batchGoals } from "./batch-curve.ts";

/** Settings of the inference service. */
export const settings = {
  ...commonSettings,
  ...tracingSettings,
  http: {
    env: "SIGHTLINE_INFERENCE_HTTP",
    schema: setting.listen("127.0.0.1:9102"),
    help: "HOST:PORT of metrics and health",
  },
  model: {
    env: "SIGHTLINE_MODEL",
    schema: setting.modelName("yolo-nas-pedestrians"),
    help: "model that this worker serves, a folder in the model directory",
  },
  models: {
    env: "SIGHTLINE_MODELS",
    schema: z
      .string()
      .trim()
      .refine(
        (names) => names === "" || names.split(",").every((name) => isModelName(name.trim())),
        "expected names of models with commas between them, or all",
      )
      .default(""),
    help: "further models that are loaded when a camera asks for them: names separated by commas, or all",
  },
  modelMemoryMb: {
    env: "SIGHTLINE_MODEL_MEMORY_MB",
    schema: setting.integer(2_048, 1, 1_048_576),
    help: "MiB that the loaded models of this worker may take together",
  },
  modelIdleSeconds: {
    env: "SIGHTLINE_MODEL_IDLE_SECONDS",
    schema: setting.integer(300, 0, 1_000_000),
    help: "seconds after the last camera that asked for it in which a further model stays loaded",
  },
  modelDirectory: {
    env: "SIGHTLINE_MODEL_DIR",
    schema: setting.text("models"),
    help: "directories with a folder for each model, with : between them; what is uploaded goes to the last",
  },
  modelJobMemoryMb: {
    env: "SIGHTLINE_MODEL_JOB_MEMORY_MB",
    schema: setting.integer(4_096, 0, 1_048_576),
    help: "MiB that an import, evaluation or inspection of a model may take; 0: this worker does none",
  },
  modelJobMinutes: {
    env: "SIGHTLINE_MODEL_JOB_MINUTES",
    schema: setting.integer(30, 1, 10_000),
    help: "minutes after which such work is ended",
  },
  ffmpegPath: {
    env: "FFMPEG_PATH",
    schema: setting.optionalText(),
    help: "ffmpeg that reads clips for evaluations; default: the one installed with the packages, else the one on PATH",
  },
  executionProvider: {
    env: "SIGHTLINE_EXECUTION_PROVIDER",
    schema: setting.choice(["auto", "tensorrt", "cuda", "cpu"], "auto"),
    help: "what runs the model; auto takes the first of TensorRT, CUDA and CPU that works",
  },
  precision: {
    env: "SIGHTLINE_PRECISION",
    schema: setting.choice(["auto", "int8", "fp32"], "auto"),
    help: "which encoding of a model runs; auto takes INT8 where the model has it",
  },
  frameFormat: {
    env: "SIGHTLINE_FRAME_FORMAT",
    schema: setting.choice(["auto", "gbrp", "i420"], "auto"),
    help: "how frames come: gbrp, or i420, half the bytes, which the model's graph turns into gbrp; auto takes i420 where a GPU runs the model",
  },
  batchSize: {
    env: "SIGHTLINE_BATCH_SIZE",
    schema: z
      .custom<unknown>()
      .transform((value) => (value === undefined || value === "auto" ? "auto" : Number(value)))
      .refine(
        (value) => value === "auto" || (Number.isInteger(value) && value >= 1 && value <= 64),
        "expected auto or a whole number from 1 to 64",
      ),
    help: "frames in a batch; auto takes the smallest that keeps up, and changes it with the load",
  },
  batchGoal: {
    env: "SIGHTLINE_BATCH_GOAL",
    schema: setting.choice(batchGoals, "balanced"),
    help: "where nothing keeps up, how auto weighs throughput against latency: latency, balanced or throughput",
  },
  maxBatch: {
    env: "SIGHTLINE_MAX_BATCH",
    schema: setting.integer(8, 1, 64),
    help: "largest batch that auto may choose",
  },
  maxDelayMs: {
    env: "SIGHTLINE_MAX_DELAY_MS",
    schema: setting.integer(5, 0, 1_000),
    help: "milliseconds that the first frame of a batch waits for more",
  },
  maxAgeMs: {
    env: "SIGHTLINE_MAX_AGE_MS",
    schema: setting.integer(1_000, 10, 60_000),
    help: "milliseconds after its capture from which a frame is not worth inferring",
  },
  sessions: {
    env: "SIGHTLINE_SESSIONS",
    schema: setting.integer(1, 1, 16),
    help: "sessions of a model that run batches at the same time; on a GPU one is copied while another is run",
  },
  threads: {
    env: "SIGHTLINE_THREADS",
    schema: setting.integer(availableParallelism(), 1, 1_024),
    help: "threads inside one inference on a CPU",
  },
  frameMemoryDirectory: frameMemoryDirectorySetting,
  replicas: replicasSetting,
} as const;

export type InferenceConfig = Config<typeof settings>;
