import { hostname } from "node:os";
import type { ServedModel, WorkerInfo } from "@sightline/contracts";
import { Announcement, type Buckets, type Logger } from "@sightline/service";
import type { ModelManifest, ModelPrecision } from "@sightline/yolo-nas";
import type { EngineCandidate } from "./engine-choice.ts";
import type { Load } from "./load-meter.ts";
import type { SessionInfo } from "./session-messages.ts";

/** What ingest must send for a model, and what results may offer of it. */
export function servedModel(
  model: ModelManifest,
  version: string,
  runs: EngineCandidate["encoding"] | undefined,
): ServedModel {
  const encoding = runs && accuracyKey(model, runs);
  const { ap, ap50 } = (encoding && model.accuracy?.[encoding]) ?? {};
  const measuredOn = encoding && model.accuracyOn?.[encoding];
  return {
    name: model.name,
    version,
    architecture: model.architecture,
    width: model.frame.width,
    height: model.frame.height,
    longestSide: Math.max(model.fit.width, model.fit.height),
    padValue: model.padValue,
    ...(model.placement === undefined ? {} : { placement: model.placement }),
    classes: [...model.classes],
    ...(encoding && ap !== undefined && ap50 !== undefined
      ? { accuracy: { ap, ap50, encoding, ...(measuredOn === undefined ? {} : { measuredOn }) } }
      : {}),
  };
}

/** An engine without accuracy figures of its own has those of the INT8 file from which it was built. */
function accuracyKey(model: ModelManifest, encoding: ModelPrecision): ModelPrecision {
  return encoding === "trtEngine" && !model.accuracy?.trtEngine ? "int8Trt" : encoding;
}

/** What a worker publishes about itself. */
export function workerInfo(
  id: string,
  { model, version }: { model: string; version: string },
  session: SessionInfo,
  { batchSize, sessions }: { batchSize: number; sessions: number },
): Omit<WorkerInfo, keyof Load | "startTime"> {
  return {
    id,
    host: hostname(),
    model,
    modelDigest: session.engine.digest,
    modelVersion: version,
    precision: session.engine.precision,
    executionProvider: session.engine.provider,
    // Ingests and results of earlier versions do not have this field.
    ...(session.pixelFormat === "gbrp" ? {} : { pixelFormat: session.pixelFormat }),
    batchSize,
    batchCurve: session.curve.map(({ batch, milliseconds }) => ({ batch, milliseconds })),
    ...(sessions > 1 ? { sessions } : {}),
  };
}

/** Keeps the announcements of the served model and of this worker up to date. */
export class Announcements {
  readonly #model: Announcement;
  readonly #worker: Announcement;

  constructor(
    buckets: Pick<Buckets, "models" | "workers">,
    { model, id }: { model: string; id: string },
    served: () => ServedModel,
    worker: () => WorkerInfo,
    log: Logger,
  ) {
    this.#model = new Announcement(buckets.models, model, served, log);
    this.#worker = new Announcement(buckets.workers, id, worker, log);
  }

  async start(): Promise<void> {
    await Promise.all([this.#model.start(), this.#worker.start()]);
  }

  /** Publishes a change now. */
  async refresh(): Promise<void> {
    await Promise.all([this.#model.refresh(), this.#worker.refresh()]);
  }

  /** The model's entry expires by itself: other workers may serve it too. */
  async stop(): Promise<void> {
    await Promise.all([this.#model.stop(false), this.#worker.stop(true)]);
  }
}
