import type { stageNames } from "../series/open-second.ts";

type Stage = (typeof stageNames)[number];

/** What a stage that takes most of the latency means, and what to do about it. */
export const stageAdvice: Readonly<Record<Stage, { text: string; fix: string }>> = {
  decode: {
    text: "decoding the camera's video",
    fix: "Lower the camera's resolution or use its second stream, or give the ingest service more processor.",
  },
  queue: {
    text: "waiting for a worker",
    fix: "Add an inference worker, lower the frames per second of some cameras, or use a smaller model.",
  },
  batch: {
    text: "the transfer to the worker and the wait for its batch",
    fix: "Lower SIGHTLINE_MAX_DELAY_MS or the batch size of the workers, or put workers and ingest closer together.",
  },
  infer: {
    text: "the model's run",
    fix: "Use a smaller model, INT8 precision or a GPU, or smaller batches.",
  },
  post: {
    text: "turning the model's output into boxes",
    fix: "Raise the camera's minimum score, so that fewer candidates are left, or give the worker more processor.",
  },
  track: {
    text: "restoring order and tracking in the analysis",
    fix: "Add a process that analyses (the service analysis, or results where it does both), or check whether one worker is much slower than the others: frames wait for the one before.",
  },
  deliver: {
    text: "storing and delivering the results",
    fix: "Look at NATS and its disk, and at the processor of the results service.",
  },
};
