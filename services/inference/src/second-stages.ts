import {
  addReadings,
  type CameraRecord,
  chosenObjects,
  type Detection,
  type FrameMetadata,
  type WorkerSecondStage,
} from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";
import type { AskedSecondStage } from "./camera-filters.ts";
import { findClassifiers } from "./model-directory.ts";
import { SecondStage, type SecondStageParts } from "./second-stage.ts";
import type { SecondStageMetrics } from "./second-stage-metrics.ts";

export interface SecondStagesParts extends SecondStageParts {
  cameras: Pick<KvMirror<CameraRecord>, "keys" | "get">;
  metrics: SecondStageMetrics;
}

/**
 * A frame whose pixels are kept until second stages have classified its objects. Exactly one of the two methods is called,
 * once.
 */
export interface StagedFrame {
  /** Adds the second stages' results to the detections. Missing results are left out; never rejects. */
  read(frame: FrameMetadata, detections: readonly Detection[]): Promise<void>;
  forget(): void;
}

const lookMs = 2_000;
/** Most frames that may wait for second stages at a time. */
const maxKept = 8;
/** A frame that has waited this long is published without the missing results. */
const patienceMs = 1_000;

/**
 * The second-stage models in the model directory. If a camera requests some, its frames wait after detection until these
 * models have classified the objects. No failure here prevents a frame from being published.
 */
export class SecondStages {
  readonly #parts: SecondStagesParts;
  readonly #stages = new Map<string, { stage: SecondStage; askedAt: number }>();
  /** Memory for frames, reused for frames of the same size. */
  readonly #free: SharedArrayBuffer[] = [];
  #kept = 0;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();

  constructor(parts: SecondStagesParts) {
    this.#parts = parts;
  }

  /** Looks for models, and repeats this regularly. */
  async start(): Promise<void> {
    await this.#look();
    this.#timer = setInterval(() => {
      this.#looking = this.#looking.then(() => this.#look());
    }, lookMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all([...this.#stages.values()].map(({ stage }) => stage.stop()));
  }

  /** What the worker reports about them. */
  told(): WorkerSecondStage[] {
    return [...this.#stages.values()].map(({ stage }) => stage.told);
  }

  /** Bytes of memory that the loaded ones use. */
  bytes(): number {
    return [...this.#stages.values()].reduce((sum, { stage }) => sum + stage.bytes, 0);
  }

  /** Keeps a frame for the second stages that can classify it now; `pixels` gives its pixels. */
  keep(asked: readonly AskedSecondStage[], pixels: () => Uint8Array): StagedFrame | undefined {
    const { metrics } = this.#parts;
    const ready = asked.flatMap(({ model, classes }) => {
      const known = this.#stages.get(model);
      if (known?.stage.isReady) return { stage: known.stage, classes };
      metrics.frame(model, "absent");
      return [];
    });
    if (ready.length === 0) return undefined;
    if (this.#kept >= maxKept) {
      for (const { stage } of ready) metrics.frame(stage.manifest.name, "busy");
      return undefined;
    }
    this.#kept++;
    const memory = this.#copy(pixels());
    return {
      read: async (frame, detections) => {
        const looks = Promise.all(
          ready.map(({ stage, classes }) => this.#read(stage, classes, memory, frame, detections)),
        );
        // The memory is in use until all second stages have finished.
        void looks.then(() => this.#release(memory));
        let limit: NodeJS.Timeout | undefined;
        const late = new Promise<void>((done) => {
          limit = setTimeout(done, patienceMs);
        });
        await Promise.race([looks, late]);
        clearTimeout(limit);
      },
      forget: () => this.#release(memory),
    };
  }

  async #read(
    stage: SecondStage,
    classes: ReadonlySet<string> | undefined,
    pixels: SharedArrayBuffer,
    frame: FrameMetadata,
    detections: readonly Detection[],
  ): Promise<void> {
    const { metrics, log } = this.#parts;
    const { name, attributes } = stage.manifest;
    const begin = Date.now();
    try {
      const { objects, boxes, leftOut } = chosenObjects(frame, detections, classes);
      if (objects.length > 0) {
        const { probabilities, runMs } = await stage.look({
          pixels,
          frame: { width: frame.width, height: frame.height },
          boxes,
        });
        metrics.run(name, runMs);
        // The frame has already been published.
        if (Date.now() - begin > patienceMs) return metrics.frame(name, "failed");
        addReadings(objects, attributes, probabilities);
      }
      metrics.objects(name, objects.length, leftOut);
      metrics.frame(name, "read");
    } catch (error) {
      metrics.frame(name, "failed");
      log.warn({ model: name, err: error }, "a second stage could not classify the objects of a frame");
    }
  }

  #copy(pixels: Uint8Array): SharedArrayBuffer {
    const at = this.#free.findIndex(({ byteLength }) => byteLength === pixels.byteLength);
    const memory = at === -1 ? new SharedArrayBuffer(pixels.byteLength) : this.#free.splice(at, 1)[0]!;
    new Uint8Array(memory).set(pixels);
    return memory;
  }

  #release(memory: SharedArrayBuffer): void {
    this.#kept--;
    this.#free.push(memory);
    if (this.#free.length > maxKept) this.#free.shift();
  }

  async #look(): Promise<void> {
    const { cameras, config } = this.#parts;
    const found = await findClassifiers(config.modelDirectory);
    let changed = false;
    for (const [name, { stage }] of this.#stages) {
      if (found.get(name)?.manifest.version === stage.manifest.version) continue;
      this.#stages.delete(name);
      changed = true;
      await stage.stop();
    }
    for (const [name, { folder, manifest }] of found) {
      if (this.#stages.has(name)) continue;
      const stage = new SecondStage(folder, manifest, this.#parts);
      this.#stages.set(name, { stage, askedAt: Date.now() });
      changed = true;
    }
    const asked = new Set(
      cameras.keys().flatMap((camera) => cameras.get(camera)?.secondStages?.map(({ model }) => model) ?? []),
    );
    for (const [name, known] of this.#stages)
      if (asked.has(name)) known.askedAt = Date.now();
      else if (known.stage.bytes > 0 && Date.now() - known.askedAt > 1000 * config.modelIdleSeconds)
        await known.stage.unload();
    if (changed) this.#parts.onChange();
  }
}
