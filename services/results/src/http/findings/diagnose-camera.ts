import {
  CameraReason,
  type CameraStatus,
  dropReasonLabel,
  dropReasons,
  enumValue,
  type HttpCamera,
  type HttpFinding,
  type WorkerInfo,
} from "@sightline/contracts";
import { faultDetail } from "@sightline/rtsp";
import type { RecentLoss } from "../../feeds/recent-losses.ts";
import type { SeriesSample } from "../series/camera-series.ts";
import { type Advice, dropAdvice, percent, reasonAdvice } from "./advice.ts";
import { findClockSkew, findSlowStage } from "./diagnose-latency.ts";
import { findFloor, findRecordStream, findUnanalysed } from "./shortfalls.ts";

/** The state of the rest of the system when a camera is diagnosed. */
export interface SystemSituation {
  workers: readonly WorkerInfo[];
  /** Recent frames of the camera that were not analysed, if any. */
  loss?: RecentLoss | undefined;
  /** Why the camera's analysis makes no progress, if it does not. */
  stall?: string | undefined;
  /** The camera's status as ingest reports it. */
  status?: CameraStatus | undefined;
  /** Classes of the camera's model; undefined while no worker serves it. */
  modelClasses?: readonly string[] | undefined;
}

type CameraSituation = Omit<HttpCamera, "findings">;

/** From this utilisation on, a worker has no room for more frames. */
export const saturated = 0.9;

/** How long the analysis must give no results before this is reported, in seconds. */
const silentSeconds = 8;

const order: readonly HttpFinding["level"][] = ["error", "warning", "ok"];

/**
 * Why a camera is slow or gives no frames, in words, with what to do; worst first and never empty: a camera without faults has one finding
 * of level ok. `samples` are its last complete seconds, oldest first.
 */
export function diagnoseCamera(
  camera: CameraSituation,
  samples: readonly SeriesSample[],
  system: SystemSituation,
): HttpFinding[] {
  const findings = [
    ...findState(camera, system),
    ...findStall(camera, samples, system),
    ...findUnanalysed(system.status),
    ...findRecordStream(camera),
    ...findLoss(system),
    ...findUnknownClasses(camera, system),
    ...findSecondStages(camera, system),
  ];
  if (camera.status.state === "live")
    findings.push(
      ...findDrops(camera, samples, system),
      ...findFrameRate(camera),
      ...findFloor(camera),
      ...findSlowStage(samples, camera.figures),
      ...findClockSkew(samples),
    );
  if (findings.every(({ level }) => level === "ok")) findings.unshift(allWell(camera));
  return worstFirst(findings);
}

/** Findings sorted by level; the order within a level stays. */
export function worstFirst(findings: readonly HttpFinding[]): HttpFinding[] {
  return findings.toSorted((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function* findState(
  { status, model }: CameraSituation,
  { workers }: SystemSituation,
): Generator<HttpFinding> {
  const unserved = workers.some((worker) => worker.model === model) ? [] : unservedBy(workers, model);
  if (unserved[0] !== undefined)
    yield {
      level: "error",
      text: `The model '${model}' is not loaded, so nothing is analysed: ${unserved[0]}.`,
      fix: unservedFix,
    };
  const reason = enumValue(CameraReason, status.reason);
  const advice = reason ? reasonAdvice[reason as keyof typeof reasonAdvice] : undefined;
  switch (status.state) {
    case "pending":
      yield {
        level: "warning",
        text: sentence(status.message || "no ingest has taken the camera yet"),
        fix: "If it stays so, start an ingest service (./sightline up has one) and look at its /readyz: it says what is missing.",
      };
      return;
    case "connecting":
      yield {
        level: "warning",
        text: "The camera is being connected; its first frame has not arrived yet.",
        fix: "Wait for its next key frame; a camera that sends one rarely can take as long as its key frame interval.",
      };
      return;
    case "down":
      yield { level: "error", ...withMessage(advice ?? unknownReason, reason, status.message) };
      return;
    case "live":
      if (reason === CameraReason.MODEL_NOT_SERVED) {
        if (unserved.length > 0) return;
        yield {
          level: "error",
          text: `No inference worker serves the model '${model}', so nothing is analysed.`,
          fix: reasonAdvice[reason].fix,
        };
      } else if (advice) yield { level: "warning", ...withMessage(advice, reason, status.message) };
  }
}

/** Second stages that the workers of the camera's model do not have or cannot load: frames are analysed without their attributes. */
function* findSecondStages(
  { secondStages, model }: CameraSituation,
  { workers }: SystemSituation,
): Generator<HttpFinding> {
  // The first model of a process reports its other models.
  const hosts = new Set(workers.filter((worker) => worker.model === model).map(({ host }) => host));
  const told = workers.filter(({ host }) => hosts.has(host)).flatMap((worker) => worker.secondStages ?? []);
  for (const stage of hosts.size > 0 ? secondStages : []) {
    const known = told.filter((each) => each.model === stage.model);
    const fault = known.find((each) => each.fault !== undefined)?.fault;
    const nobody = known.length === 0 ? "no worker has it" : undefined;
    const why = fault ?? nobody;
    if (why !== undefined)
      yield {
        level: "warning",
        text: `The second stage '${stage.model}' does not look at this camera's objects: ${why}.`,
        fix: "Objects go on without its attributes. Put it into the workers' directory of models (`./sightline model list` shows what is there), or take it from the camera (`camera update --no-then`). The worker's log has more.",
      };
  }
}

/** Why workers that should serve a model do not. */
export function unservedBy(workers: readonly WorkerInfo[], model: string): string[] {
  return workers.flatMap(({ unserved = [] }) =>
    unserved.filter((other) => other.model === model).map(({ why }) => why),
  );
}

/** What to do when a worker cannot load a model that it should serve. */
export const unservedFix =
  "If memory is short, raise SIGHTLINE_MODEL_MEMORY_MB of the worker, or start another worker with SIGHTLINE_MODEL set to this model. The worker's log has more.";

/** Inferred frames that do not leave the analysis. */
function* findStall(
  { status }: CameraSituation,
  samples: readonly SeriesSample[],
  { stall }: SystemSituation,
): Generator<HttpFinding> {
  const inferred = samples.reduce((sum, sample) => sum + sample.inferred, 0);
  const silent = samples.length >= silentSeconds && samples.every(({ latencyMs }) => latencyMs === null);
  if (stall === undefined && (status.state !== "live" || inferred < 1 || !silent)) return;
  yield {
    level: "error",
    text: stall
      ? `The analysis makes no progress: ${sentence(stall)} Frames give no tracks and no events.`
      : `Frames are inferred, but none has come out of the analysis for ${samples.length} s: there are no tracks and no events.`,
    fix: "Look at the log of the analysis (of results, where it does both) and at the System page: NATS may not store, its files may be damaged, or no process analyses the camera.",
  };
}

function* findLoss({ loss }: SystemSituation): Generator<HttpFinding> {
  if (!loss) return;
  const howMany =
    loss.frames === 0 ? "Some frames" : `${loss.frames} ${loss.frames === 1 ? "frame" : "frames"} at most`;
  yield {
    level: "warning",
    text: `${howMany} were lately gone before they could be analysed: their tracks and events are missing.`,
    fix: "The analysis was away, or behind, for longer than frames wait for it: 2 hours at most. Raise SIGHTLINE_DETECTIONS_MAX_BYTES if the stream DETECTIONS was full, or run more processes that analyse.",
  };
}

/** Classes are not checked while no worker serves the model; a class that the model does not know is never found. */
function* findUnknownClasses(
  { classes, model }: CameraSituation,
  { modelClasses }: SystemSituation,
): Generator<HttpFinding> {
  const unknown = classes.filter((name) => modelClasses !== undefined && !modelClasses.includes(name));
  if (unknown.length === 0) return;
  const none = unknown.length === classes.length;
  yield {
    level: none ? "error" : "warning",
    text: `The model '${model}' does not know what the camera's settings ask for (${unknown.join(", ")})${none ? ", so nothing is detected" : ""}.`,
    fix: "Choose among the classes that the model knows in the camera's settings, or another model.",
  };
}

const unknownReason: Advice = {
  text: "The camera gives no frames.",
  fix: "Try the URL out with 'sightline camera probe', which names what is wrong.",
};

/** The advice, with what ingest's message adds to the reason. */
function withMessage({ text, fix }: Advice, reason: CameraReason | undefined, message: string): Advice {
  const detail = faultDetail({ reason: reason ?? CameraReason.UNSPECIFIED, message });
  return { text: detail === "" ? text : `${text} Ingest reports: ${sentence(detail)}`, fix };
}

function* findDrops(
  camera: CameraSituation,
  samples: readonly SeriesSample[],
  system: SystemSituation,
): Generator<HttpFinding> {
  const captured = samples.reduce((sum, sample) => sum + sample.captured, 0);
  const sampledOut = samples.reduce((sum, { dropped }) => sum + (dropped.sampled_out ?? 0), 0);
  for (const reason of dropReasons) {
    const label = dropReasonLabel(reason);
    const advice = dropAdvice[reason as keyof typeof dropAdvice];
    const dropped = samples.reduce((sum, sample) => sum + (sample.dropped[label] ?? 0), 0);
    // The ledger grows in steps: a second may have more dropped than captured frames.
    const share = Math.min(
      1,
      dropped / Math.max(1, label === "sampled_out" ? captured : captured - sampledOut),
    );
    if (dropped === 0 || share < advice.from) continue;
    const frames = label === "sampled_out" || sampledOut === 0 ? "frames" : "frames to be analysed";
    const text = `${percent(share)} of the ${frames} ${advice.text}`;
    const workers = label === "superseded" ? describeWorkers(camera.model, system) : undefined;
    yield {
      level: advice.level,
      text: workers ? `${text} ${workers.text}` : text,
      fix: workers?.fix ?? advice.fix,
    };
  }
}

/** How busy a model's workers are, and what to do if they are not the cause. */
function describeWorkers(
  model: string,
  { workers }: SystemSituation,
): { text: string; fix?: string } | undefined {
  const serving = workers.filter((worker) => worker.model === model);
  if (serving.length === 0) return undefined;
  if (serving.some(({ utilization }) => utilization < saturated))
    return { text: `Its workers have room, though.`, fix: heldUpFix };
  const least = Math.min(...serving.map(({ utilization }) => utilization));
  const who = serving.length === 1 ? "The only worker" : `All ${serving.length} workers`;
  return {
    text: `${who} of model '${model}' ${serving.length === 1 ? "is" : "are"} at least ${percent(least)} busy.`,
  };
}

/** What to do when frames are dropped before workers that have room. */
export const heldUpFix =
  "Look at the stages of the latency: a slow network between ingest and worker, or hosts whose processor is busy with other things, hold frames up.";

function* findFrameRate({ status, targetFps }: CameraSituation): Generator<HttpFinding> {
  if (targetFps <= 0 || status.captureFps <= 0 || status.captureFps >= 0.8 * targetFps) return;
  yield {
    level: "warning",
    text: `The camera itself sends ${oneDigit(status.captureFps)} frames per second, fewer than the ${oneDigit(targetFps)} asked for.`,
    fix: "Raise the frame rate in the camera's own settings, or ask for fewer here; a weak network can be the reason too.",
  };
}

function allWell({ status, figures }: CameraSituation): HttpFinding {
  const latency = figures?.latencyMs
    ? `, ${Math.round(figures.latencyMs.p50)} ms after they were captured`
    : "";
  return {
    level: "ok",
    text: `All is well: ${oneDigit(figures?.inferredFps ?? status.inferenceFps)} frames per second are analysed${latency}.`,
    fix: "",
  };
}

/** Adds a capital letter at the start and a full stop at the end. */
function sentence(text: string): string {
  const capital = `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

function oneDigit(value: number): string {
  return String(Math.round(value * 10) / 10);
}
