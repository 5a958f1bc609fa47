import type { CommandEntry } from "./command-entry.ts";

/** Commands that measure. */
export const benchCommands: readonly CommandEntry[] = [
  {
    path: ["bench", "model"],
    description: "measure YOLO-NAS S, M and L in FP32 and INT8 on this machine, in alternating blocks",
    load: async () => (await import("../commands/bench-model.ts")).benchModelCommand(),
  },
  {
    path: ["bench", "admission"],
    description: "measure what cameras with weights and floors get when the workers cannot do everything",
    load: async () => (await import("../commands/bench.ts")).benchAdmissionCommand(),
  },
  {
    path: ["bench", "overload"],
    description:
      "measure how old results are when four times more frames are offered than can be inferred, and where the time goes",
    load: async () => (await import("../commands/bench.ts")).benchOverloadCommand(),
  },
  {
    path: ["bench", "transport"],
    description: "measure frames through NATS: throughput, fairness and age under overload",
    load: async () => (await import("../commands/bench.ts")).benchTransportCommand(),
  },
  {
    path: ["bench", "tracking"],
    description: "measure tracking: MOTA, IDF1 and HOTA on scenes with exact truth, and the cost of a frame",
    load: async () => (await import("../commands/bench.ts")).benchTrackingCommand(),
  },
  {
    path: ["bench", "subscribers"],
    description: "measure how many subscribers get how many frames, how late, beside a bare gRPC server",
    load: async () => (await import("../commands/bench.ts")).benchSubscribersCommand(),
  },
  {
    path: ["bench", "console"],
    description: "measure the web console's wall of cameras in Chromium: frame rate, first paint, weight",
    load: async () => (await import("../commands/bench.ts")).benchConsoleCommand(),
  },
  {
    path: ["bench", "recording"],
    description: "measure what recording costs, and a picture in the camera's resolution",
    load: async () => (await import("../commands/bench.ts")).benchRecordingCommand(),
  },
  {
    path: ["bench", "clips"],
    description: "check that the clips of many events hold their moments, by the pictures in them",
    load: async () => (await import("../commands/bench.ts")).benchClipsCommand(),
  },
  {
    path: ["bench", "ingest"],
    description: "measure the processor time of ingest against bare ffmpegs that decode the same cameras",
    load: async () => (await import("../commands/bench.ts")).benchIngestCommand(),
  },
  {
    path: ["bench", "scale"],
    description: "measure what a camera and a frame cost in each process, and how many a core carries",
    load: async () => (await import("../commands/bench.ts")).benchScaleCommand(),
  },
  {
    path: ["bench", "handover"],
    description:
      "measure how long cameras give nothing when a process of a service stops, and when one joins",
    load: async () => (await import("../commands/bench.ts")).benchHandoverCommand(),
  },
  {
    path: ["bench", "dead-cameras"],
    description: "measure what hundreds of dead camera addresses do to cameras that are live",
    load: async () => (await import("../commands/bench.ts")).benchDeadCamerasCommand(),
  },
  {
    path: ["bench", "end-to-end"],
    description: "measure the inference service against a bare loop of the model's runs",
    load: async () => (await import("../commands/bench.ts")).benchEndToEndCommand(),
  },
];
