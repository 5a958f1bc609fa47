import { CameraReason, DropReason, type HttpFinding } from "@sightline/contracts";
import type { stageNames } from "../series/open-second.ts";

/** The meaning of a reason, and what to do about it. */
export interface Advice {
  text: string;
  fix: string;
}

/** Why a camera sends no frames, or why its frames are not analysed. */
export const reasonAdvice: Readonly<Record<Exclude<CameraReason, 0>, Advice>> = {
  [CameraReason.DNS_FAILURE]: {
    text: "The camera's host name has no address.",
    fix: "Check the host in the URL for a typing error, or give the camera's IP address instead.",
  },
  [CameraReason.CONNECTION_REFUSED]: {
    text: "The host answers, but nothing listens on the camera's port.",
    fix: "Check the port in the URL (RTSP's is usually 554), and that streaming is switched on in the camera's settings.",
  },
  [CameraReason.UNREACHABLE]: {
    text: "The camera does not answer in time.",
    fix: "Check that the camera has power and network, and that no firewall is between it and the ingest service.",
  },
  [CameraReason.UNAUTHORIZED]: {
    text: "The camera refuses the user or password, or needs one and none is given.",
    fix: "Edit the camera and give the URL with the right user and password: rtsp://USER:PASSWORD@HOST/PATH.",
  },
  [CameraReason.NOT_FOUND]: {
    text: "The camera has no stream at this path.",
    fix: "Look up the stream's path in the camera's manual and edit the URL.",
  },
  [CameraReason.NO_VIDEO]: {
    text: "The stream has no video.",
    fix: "Choose a stream with video in the camera's settings, or the path of another one.",
  },
  [CameraReason.UNSUPPORTED_CODEC]: {
    text: "The camera's video codec cannot be decoded here.",
    fix: "Set the camera to H.264 or H.265, or use its second stream.",
  },
  [CameraReason.NO_KEY_FRAME]: {
    text: "Video arrives, but no key frame to begin with.",
    fix: "Shorten the key frame (I-frame) interval in the camera's settings to a few seconds.",
  },
  [CameraReason.STALLED]: {
    text: "Frames have stopped arriving although the connection is open.",
    fix: "Check the network to the camera; if this happens again, restart the camera or switch the transport to TCP.",
  },
  [CameraReason.DECODE_FAILURE]: {
    text: "What arrives cannot be decoded.",
    fix: "Switch the transport to TCP if it is UDP, lower the camera's bit rate, or restart the camera.",
  },
  [CameraReason.STREAM_ENDED]: {
    text: "The camera has ended the stream.",
    fix: "It is connected again by itself. If it keeps ending, the camera may allow too few viewers at a time.",
  },
  [CameraReason.PROTOCOL_ERROR]: {
    text: "The server at this address does not speak the protocol of the URL, or answers with an error or without video.",
    fix: "Check scheme, host and port in the URL: a web page's port (80, 443, 8080) is not that of rtsp://, and a web page is not the stream of http://.",
  },
  [CameraReason.MODEL_NOT_SERVED]: {
    text: "No inference worker serves the camera's model, so nothing is analysed.",
    fix: "Start a worker with SIGHTLINE_MODEL set to this model or SIGHTLINE_MODELS=all, or give the camera a model that is served.",
  },
  [CameraReason.ADDRESS_NOT_ALLOWED]: {
    text: "The camera's address is not allowed.",
    fix: "If it is right, add its network to the setting SIGHTLINE_CAMERA_NETWORKS of the ingest service.",
  },
  [CameraReason.REDIRECTED]: {
    text: "The camera redirects to another address.",
    fix: "Give that address as the camera's URL, or set SIGHTLINE_CAMERA_REDIRECTS=any at the ingest service.",
  },
  [CameraReason.TRANSPORT_REFUSED]: {
    text: "The camera does not send video over the chosen transport.",
    fix: "Set the camera's transport to auto.",
  },
  [CameraReason.DECODING_TOO_SLOW]: {
    text: "The camera's pictures come faster than this machine decodes them.",
    fix: "Lower the size or rate of the pictures in the camera's settings, or give the URL of its second stream.",
  },
  [CameraReason.INTERNAL]: {
    text: "The ingest service itself failed at this camera.",
    fix: "Look in the ingest service's log for this camera.",
  },
};

/** When a reason for dropped frames is reported, and how. */
export interface DropAdvice {
  level: HttpFinding["level"];
  /** Reported from this share of the frames that should have been analysed. */
  from: number;
  /** Continues "12% of the frames ". */
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

type Stage = (typeof stageNames)[number];

/** For each stage: what it means if it takes most of the latency, and what to do about it. */
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

/** `12%`; below one percent with one more digit. */
export function percent(share: number): string {
  const value = share * 100;
  return `${value < 1 ? Math.max(0.1, Math.round(value * 10) / 10) : Math.round(value)}%`;
}
