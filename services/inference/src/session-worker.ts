/**
 * Entry of the session's thread. onnxruntime-node blocks its thread for a whole run, so the session has a thread of its
 * own.
 */
import { workerData } from "node:worker_threads";
import type { PixelFormatName } from "@sightline/contracts";
import { monotonicMs } from "@sightline/service/clock";
import type { CandidateBatch } from "@sightline/yolo-nas";
import { DetectorSession, InferenceError, ModelFileError } from "@sightline/yolo-nas/session";
import { type CurvePoint, mayGrow } from "./batch-curve.ts";
import { type EngineCandidate, openFirst } from "./engine-choice.ts";
import { serveSession } from "./serve-session.ts";
import type { Arithmetic, BatchRun, RunRequest, SessionInfo, SessionSettings } from "./session-messages.ts";

const settings = workerData as SessionSettings;
const slots = settings.slots.map((memory) => new Uint8Array(memory, 0, memory.byteLength));
/** Runs of one size are measured until this much time has passed; at least three runs, after one that is not counted. */
const warmUpBudgetMs = 400;

async function open(candidate: EngineCandidate): Promise<DetectorSession> {
  if (candidate.provider === "tensorrt") {
    const { checkEngine, queryGpu } = await import("@sightline/yolo-nas");
    await checkEngine(candidate.path, { gpu: await queryGpu(), maxBatch: settings.capacity });
  }
  const session = await load(candidate);
  const { frame, classCount } = session;
  if (
    frame.width === settings.frame.width &&
    frame.height === settings.frame.height &&
    classCount === settings.classCount
  )
    return session;
  await session.stop();
  throw new ModelFileError(
    `${candidate.path} takes ${frame.width}x${frame.height} and knows ${classCount} classes, but its manifest says ` +
      `${settings.frame.width}x${settings.frame.height} and ${settings.classCount}; prepare the model again`,
  );
}

/** Loads the session in the requested format; if none is requested, as I420 on a GPU if the model accepts that. */
async function load({ path, provider }: EngineCandidate): Promise<DetectorSession> {
  const { frameFormat, frame, threads } = settings;
  const loadAs = (pixelFormat: PixelFormatName) =>
    // The cores are shared with decoding and NATS.
    DetectorSession.load(path, { spin: false, executionProvider: provider, threads, pixelFormat });
  if (frameFormat === "auto") {
    const halves = provider !== "cpu" && frame.width % 2 === 0 && frame.height % 2 === 0;
    return halves ? loadAs("i420").catch(() => loadAs("gbrp")) : loadAs("gbrp");
  }
  const session = await loadAs(frameFormat);
  if (session.pixelFormat === frameFormat || settings.otherFormat) return session;
  await session.stop();
  throw new ModelFileError(
    `${path} was built for frames as ${session.pixelFormat}; build it again with --frames ${frameFormat}`,
  );
}

/** The exactness of a file's sums on this processor, and whether its kernels clip, if that was found out. */
async function arithmeticOf({
  encoding,
  provider,
  path,
}: EngineCandidate): Promise<{ arithmetic: Arithmetic; saturates: boolean | undefined }> {
  let { saturates } = settings;
  if (provider !== "cpu" || encoding === "fp32" || saturates === false)
    return { arithmetic: "exact", saturates };
  const { loadModel, pairsThatCanClip, saturatesU8S8 } = await import("@sightline/yolo-nas");
  saturates ??= await saturatesU8S8();
  const clips = saturates && pairsThatCanClip(await loadModel(path)) > 0;
  return { arithmetic: clips ? "clips" : "exact", saturates };
}

async function measure(session: DetectorSession, batch: number): Promise<CurvePoint> {
  await session.run(slots[0]!, batch);
  const durations: number[] = [];
  const begin = monotonicMs();
  while (durations.length < 3 || (durations.length < 15 && monotonicMs() - begin < warmUpBudgetMs)) {
    const start = monotonicMs();
    await session.run(slots[0]!, batch);
    durations.push(monotonicMs() - start);
  }
  durations.sort((a, b) => a - b);
  return { batch, milliseconds: durations[(durations.length - 1) >> 1]!, fastest: durations[0]! };
}

/** A sum is finite only if every term is, so one number shows whether any output is not finite. */
function checkFinite({ boxes, scores }: CandidateBatch): void {
  let sum = 0;
  for (let i = 0; i < boxes.length; i++) sum += boxes[i]!;
  for (let i = 0; i < scores.length; i++) sum += scores[i]!;
  if (!Number.isFinite(sum))
    throw new InferenceError("the model's output contains values that are not finite");
}

let candidate: EngineCandidate;
let refusals: SessionInfo["refusals"];
await serveSession<DetectorSession, SessionInfo, RunRequest, BatchRun>({
  async open() {
    const first = await openFirst(settings, open);
    ({ candidate, refusals } = first);
    return first.engine;
  },
  async ready(session) {
    const curve: CurvePoint[] = [];
    for (const size of settings.warmUpSizes) if (mayGrow(curve)) curve.push(await measure(session, size));
    const { pixelFormat } = session;
    return { engine: candidate, refusals, pixelFormat, ...(await arithmeticOf(candidate)), curve };
  },
  async answer(session, { slot, frames }) {
    const startedAt = monotonicMs();
    const outputs = await session.run(slots[slot]!, frames);
    const runMs = monotonicMs() - startedAt;
    checkFinite(outputs);
    return {
      answer: { outputs, startedAt, runMs },
      transfer: [outputs.boxes.buffer as ArrayBuffer, outputs.scores.buffer as ArrayBuffer],
    };
  },
});
