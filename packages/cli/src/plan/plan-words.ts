import type { Measured } from "./measure-machine.ts";
import { headroom, type Limit, others, type Prediction, predictLoad, type Wish } from "./prediction.ts";

const what: Readonly<Record<Limit, string>> = {
  decode: "receiving and decoding the cameras",
  inference: "the model",
  transport: "NATS and results",
  worker: "the model's worker, while cores are idle",
};

/** What to do about each limit, besides fewer cameras and frames. */
const help: Readonly<Record<Limit, string>> = {
  decode:
    "a smaller stream of each camera to analyse (--record-uri keeps the large one), cameras that send fewer frames/s, or hardware decoding (SIGHTLINE_DECODE)",
  inference: "a smaller model or input, a GPU (docs/gpu.md), or workers on other machines",
  transport: "NATS and results on a machine of their own",
  worker: "a second worker, or more threads of it (SIGHTLINE_THREADS)",
};

/**
 * If other programs use more of the machine than this, they may or may not give way and frames cost more, so the prediction is
 * unreliable.
 */
const busyShare = 0.15;

/** The plan in words, for people. */
export function planWords(measured: Measured, wish: Wish): string {
  const { costs, observations, width, height, codec, model, checked } = measured;
  const plan = predictLoad(costs, wish);
  const { perCamera, perFrame } = costs;
  const milliseconds = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
  const cores = (count: number) => `${count.toFixed(2)} cores`;
  const rate = (fps: number) => `${fps.toFixed(1)} frames/s`;
  return [
    `this machine: ${costs.cores} cores, of which other programs ${wish.reserve === undefined ? "take" : "are to have"} ${(wish.reserve ?? costs.others).toFixed(2)}, and the services without a camera ${costs.standing.toFixed(2)}`,
    `cameras:      ${width}×${height}, ${codec}, ${rate(costs.cameraFps)} each; model ${model}`,
    `costs:        a camera ${(perCamera * 100).toFixed(1)}% of a core; an inferred frame ${milliseconds(perFrame.inference)} of the model, ${milliseconds(perFrame.ingest)} of ingest, ${milliseconds(perFrame.transport)} of NATS and results`,
    ...(Math.max(...observations.map(others)) > busyShare * costs.cores
      ? ["              the machine is busy: the plan is rough; stop other programs and plan again"]
      : []),
    "",
    `${count(wish.cameras, "camera")} at ${rate(plan.askedFps / wish.cameras)}: ${
      plan.fits
        ? `fits, ${percent(plan.load)} of what there is`
        : plan.load <= 1
          ? `fits only just, ${percent(plan.load)} of what there is; plan for ${percent(1 - headroom)} at most`
          : `does not fit, ${percent(plan.load)} of what there is`
    }`,
    `  asked ${rate(plan.askedFps)} together, likely inferred ${rate(plan.inferredFps)}`,
    `  decoding ${cores(plan.cores.decode)}, model ${cores(plan.cores.inference)}, NATS and results ${cores(plan.cores.transport)}, of ${cores(plan.availableCores)}`,
    `  what runs out first: ${what[plan.limit]}`,
    ...(plan.fits ? fitting(plan) : remedies(plan, wish)),
    ...(checked
      ? [
          "",
          `checked: ${rate(checked.inferredFps)} were inferred, ${percent(checked.inferredFps / plan.inferredFps)} of what was told; other programs took ${others(checked).toFixed(2)} cores meanwhile`,
        ]
      : []),
  ].join("\n");
}

function fitting({ remedy }: Prediction): string[] {
  return [`  as many as ${count(remedy.cameras, "camera")} fit at this rate`];
}

function remedies({ remedy, limit, askedFps }: Prediction, { cameras }: Wish): string[] {
  const each = askedFps / cameras;
  const lines = ["what would fit:"];
  if (remedy.fps > 0) lines.push(`  ${count(cameras, "camera")} at ${remedy.fps.toFixed(1)} frames/s`);
  if (remedy.cameras > 0) lines.push(`  ${count(remedy.cameras, "camera")} at ${each.toFixed(1)} frames/s`);
  if (remedy.machines !== undefined) lines.push(`  ${remedy.machines} machines like this one`);
  lines.push(`  ${remedy.cores} cores like these`, `  ${help[limit]}`);
  return lines;
}

/** The plan as one JSON object, in cores and seconds of processor time. */
export function planJson(measured: Measured, wish: Wish) {
  const { width, height, codec, model, costs, observations, checked } = measured;
  return {
    wish,
    source: { width, height, codec, model },
    costs,
    observations,
    checked,
    plan: predictLoad(costs, wish),
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${Math.round(share * 100)}%` : "far more";
}
