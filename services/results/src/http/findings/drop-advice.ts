import { DropReason, type HttpFinding } from "@sightline/contracts";

/** When a reason for dropped frames is worth telling, and how. */
export interface DropAdvice {
  level: HttpFinding["level"];
  /** Share of the frames that were to be analysed from which it is told. */
  from: number;
  /** Goes on from "12% of the frames ". */
  text: string;
  fix: string;
}

export const dropAdvice: Readonly<Record<Exclude<DropReason, 0>, DropAdvice>> = {
  [DropReason.SAMPLED_OUT]: {
    level: "ok",
    from: 0.05,
    text: "are left out on purpose, because the camera sends more than its settings ask for.",
    fix: "Nothing needs to be done; raise the camera's frames per second to analyse more of them.",
  },
  [DropReason.SUPERSEDED]: {
    level: "warning",
    from: 0.05,
    text: "are replaced by newer ones before a worker has time for them.",
    fix: "Add an inference worker, lower the frames per second of some cameras, or use a smaller model.",
  },
  [DropReason.DECODE_ERROR]: {
    level: "warning",
    from: 0.01,
    text: "arrive damaged and give no picture.",
    fix: "Switch the transport to TCP if it is UDP, and check the network between camera and ingest.",
  },
  [DropReason.STALE]: {
    level: "warning",
    from: 0.01,
    text: "are too old when a worker gets them.",
    fix: "Workers are overloaded or the network between ingest and worker is slow: add a worker near ingest, or lower frames per second.",
  },
  [DropReason.WORKER_ERROR]: {
    level: "error",
    from: 0,
    text: "are lost because a worker could not infer them.",
    fix: "Look in the inference service's log; the model file or the execution provider may be at fault.",
  },
  [DropReason.WORKER_LOST]: {
    level: "warning",
    from: 0.01,
    text: "are lost with a worker that never answered.",
    fix: "A worker has crashed, was stopped or cannot be reached: look at the list of workers and their logs.",
  },
  [DropReason.CAMERA_STOPPED]: {
    level: "warning",
    from: 0.05,
    text: "are thrown away because the camera was stopped or changed while they waited.",
    fix: "Nothing, if its settings were just changed; otherwise find out why the camera keeps reconnecting.",
  },
};
