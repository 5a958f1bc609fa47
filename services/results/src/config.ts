import { isModelName } from "@sightline/contracts";
import { type Config, commonSettings, setting } from "@sightline/service";
import { z } from "zod";

/** Settings of the results service. */
export const settings = {
  ...commonSettings,
  grpc: {
    env: "SIGHTLINE_GRPC",
    schema: setting.listen("127.0.0.1:50051"),
    help: "HOST:PORT of the gRPC API",
  },
  http: {
    env: "SIGHTLINE_RESULTS_HTTP",
    schema: setting.listen("127.0.0.1:9100"),
    help: "HOST:PORT of metrics and health",
  },
  defaultModel: {
    env: "SIGHTLINE_DEFAULT_MODEL",
    schema: z
      .string()
      .refine(isModelName, "expected 1 to 63 letters, digits, '-' or '_'")
      .default("yolo-nas-pedestrians"),
    help: "model of cameras that name none",
  },
  maxAgeHours: {
    env: "SIGHTLINE_DETECTIONS_MAX_AGE_HOURS",
    schema: setting.number(24, 0.1, 87_600),
    help: "hours that detections are kept",
  },
  maxBytes: {
    env: "SIGHTLINE_DETECTIONS_MAX_BYTES",
    schema: setting.integer(1024 ** 3, 16 * 1024 ** 2, Number.MAX_SAFE_INTEGER),
    help: "bytes of detections that are kept",
  },
  replicas: {
    env: "SIGHTLINE_NATS_REPLICAS",
    schema: z.coerce
      .number("expected a number")
      .refine((copies) => [1, 3, 5].includes(copies), "expected 1, 3 or 5")
      .default(1),
    help: "copies of every stream in a NATS cluster",
  },
  reorderWindowMs: {
    env: "SIGHTLINE_REORDER_WINDOW_MS",
    schema: setting.integer(250, 0, 10_000),
    help: "milliseconds a frame waits for the one before it",
  },
  subscriberBuffer: {
    env: "SIGHTLINE_SUBSCRIBER_BUFFER",
    schema: setting.integer(256, 1, 100_000),
    help: "frames kept for a subscriber that reads slowly",
  },
  maxSubscribers: {
    env: "SIGHTLINE_MAX_SUBSCRIBERS",
    schema: setting.integer(1_000, 1, 100_000),
    help: "subscribers at a time",
  },
} as const;

export type ResultsConfig = Config<typeof settings>;
