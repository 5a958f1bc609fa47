import { type Config, commonSettings, replicasSetting, setting } from "@sightline/service";

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
    schema: setting.modelName("yolo-nas-pedestrians"),
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
  replicas: replicasSetting,
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
