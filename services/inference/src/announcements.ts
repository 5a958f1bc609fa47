import { hostname } from "node:os";
import type { ServedModel, WorkerInfo } from "@sightline/contracts";
import { Announcement, type Buckets, type Logger } from "@sightline/service";
import type { ModelManifest } from "@sightline/yolo-nas";
import type { SessionInfo } from "./session-messages.ts";

/** What ingest must send for a model and results may promise of it. */
export function servedModel(model: ModelManifest): ServedModel {
  return {
    name: model.name,
    architecture: model.architecture,
    width: model.frame.width,
    height: model.frame.height,
    longestSide: Math.max(model.fit.width, model.fit.height),
    padValue: model.padValue,
    classes: [...model.classes],
  };
}

/** What a worker tells about itself. */
export function workerInfo(
  id: string,
  model: ModelManifest,
  session: SessionInfo,
  batchSize: number,
): WorkerInfo {
  return {
    id,
    host: hostname(),
    model: model.name,
    modelDigest: session.engine.digest,
    precision: session.engine.precision,
    executionProvider: session.engine.provider,
    batchSize,
    batchCurve: session.curve.map(({ batch, milliseconds }) => ({ batch, milliseconds })),
    startTime: new Date().toISOString(),
  };
}

/** Keeps the served model and this worker announced. */
export class Announcements {
  readonly #model: Announcement;
  readonly #worker: Announcement;

  constructor(buckets: Buckets, model: ServedModel, worker: WorkerInfo, log: Logger) {
    this.#model = new Announcement(buckets.models, model.name, () => model, log);
    this.#worker = new Announcement(buckets.workers, worker.id, () => worker, log);
  }

  async start(): Promise<void> {
    await Promise.all([this.#model.start(), this.#worker.start()]);
  }

  /** The model's entry expires by itself: other workers may serve it too. */
  async stop(): Promise<void> {
    await Promise.all([this.#model.stop(false), this.#worker.stop(true)]);
  }
}
