import {
  type CameraRecord,
  type CameraShare,
  decodeJson,
  type IngestPresence,
  ingestPresence,
  ingestPresenceSchema,
  type WorkerInfo,
} from "@sightline/contracts";
import { holdFloors, type KvMirror, modelCapacity, presenceKey } from "@sightline/service";

/** What every process knows. */
export interface ShareView {
  records: Pick<KvMirror<CameraRecord>, "keys" | "get">;
  shares: Pick<KvMirror<CameraShare>, "keys" | "get">;
  workers: Pick<KvMirror<WorkerInfo>, "keys" | "get">;
  /** Includes the presence of each ingest. */
  leases: Pick<KvMirror<string>, "keys" | "get">;
}

/** How many tokens of a camera may wait for workers at a time, and how often it gets another. */
export interface TokenPace {
  /** Milliseconds from one token to the next. */
  intervalMs: number;
  /** Tokens that may be out at a time. */
  most: number;
  /** Milliseconds that a token waits for a worker now. */
  waitMs: number;
}

/** A camera's place in the plan, as its queue of frames sees it. */
export interface CameraTurns {
  /** Undefined: it has one token, like every other camera of its model. */
  pace(): TokenPace | undefined;
  /** A token of this camera has waited this long. */
  waited(ms: number): void;
  /** A frame of this camera is there; `tooMany`: the one before was not taken. */
  arrived(tooMany: boolean): void;
}

type Pressed = IngestPresence["pressed"][string];

interface ModelPlan {
  /** Tokens that a camera of weight 1 has out, on average. */
  tokens: number;
  /** Frames/s of each floor that can be kept. */
  held: Map<string, number>;
}

const planMs = 1_000;
/** A camera counts as present for this long after a frame, and as pressed for this long after a frame too many. */
const recentMs = 2_000;
/**
 * The least number of tokens that should wait, so that no worker is idle when few cameras have a large share; and the
 * longest that tokens should wait, in seconds.
 */
const leastTokens = 8;
const roundSeconds = 2;
/** The least part of these tokens that the cameras without a floor get. */
const leastRest = 0.05;
/** Weight of the newest token in the average waiting time. */
const smoothing = 0.2;

/**
 * Distributes the workers' turns where cameras are not all equal. In a first in, first out queue, a camera gets turns in
 * proportion to its waiting tokens. So each camera has as many tokens as its weight says (light ones less than one on
 * average); a camera with a floor gets a token as often as its floor says, however long tokens wait. Each ingest does this
 * for its own cameras, from what all ingests know.
 */
export class SharePlan {
  readonly #view: ShareView;
  readonly #presence: string;
  readonly #now: () => number;
  /** Models in which some camera has a share of its own. */
  #plans = new Map<string, ModelPlan>();
  readonly #waitMs = new Map<string, number>();
  readonly #arrivedAt = new Map<string, number>();
  readonly #pressedAt = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(view: ShareView, ingest: string, now: () => number = () => performance.now()) {
    this.#view = view;
    this.#presence = presenceKey(ingestPresence, ingest);
    this.#now = now;
  }

  start(): void {
    this.plan();
    this.#timer = setInterval(() => this.plan(), planMs);
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
  }

  /** Floor of a camera in frames/s, and how much of it can be kept now. */
  floorOf(camera: string): { floorFps: number; promisedFps: number } {
    const { floorFps = 0 } = this.#view.shares.get(camera) ?? {};
    const plan = this.#plans.get(this.#view.records.get(camera)?.model ?? "");
    return { floorFps, promisedFps: plan?.held.get(camera) ?? floorFps };
  }

  /** A camera's place in the plan; its model may change. */
  turnsOf(camera: string, model: () => string): CameraTurns {
    return {
      pace: () => this.#paceOf(camera, model()),
      waited: (ms) => this.#waited(model(), ms),
      arrived: (tooMany) => {
        const now = this.#now();
        this.#arrivedAt.set(camera, now);
        if (tooMany) this.#pressedAt.set(camera, now);
      },
    };
  }

  /** What this process publishes about its cameras. */
  presence(): IngestPresence {
    const pressed: IngestPresence["pressed"] = {};
    for (const model of this.#plans.keys()) pressed[model] = this.#ownPressed(model);
    return { pressed };
  }

  /** Computes again what each camera gets, from what is known now. */
  plan(): void {
    const { records, shares, workers } = this.#view;
    const modelOf = (camera: string) => records.get(camera)?.model;
    const models = new Set(shares.keys().flatMap((camera) => modelOf(camera) ?? []));
    const alive = workers.keys().flatMap((id) => workers.get(id) ?? []);
    this.#forgetOld();
    this.#plans = new Map(
      [...models].map((model) => {
        const capacity = modelCapacity(alive, model);
        const floors = shares.keys().flatMap((camera) => {
          const { floorFps, priority = 0 } = shares.get(camera) ?? {};
          return floorFps !== undefined && modelOf(camera) === model ? { camera, floorFps, priority } : [];
        });
        const { cameras, weight, floorFps } = this.#allPressed(model);
        const round = Math.max(leastTokens, Math.min(cameras, roundSeconds * (capacity ?? Infinity)));
        const rest = Math.max(leastRest, 1 - floorFps / (capacity ?? Infinity));
        const tokens = weight > 0 ? (rest * round) / weight : 1;
        return [model, { tokens, held: holdFloors(floors, capacity) }];
      }),
    );
  }

  #paceOf(camera: string, model: string): TokenPace | undefined {
    const plan = this.#plans.get(model);
    if (!plan) return undefined;
    const waitMs = this.#waitMs.get(model) ?? 0;
    const tokens = plan.tokens * this.#weightOf(camera);
    const perSecond = plan.held.get(camera) ?? 0;
    const byFloor = (perSecond * waitMs) / 1000;
    return {
      intervalMs: Math.min(waitMs / tokens, perSecond > 0 ? 1000 / perSecond : Infinity),
      // With room for an uneven rhythm; the light ones need none.
      most: Math.max(tokens <= 1 ? 1 : Math.ceil(tokens) + 1, perSecond > 0 ? Math.ceil(2 * byFloor) + 1 : 1),
      waitMs,
    };
  }

  #waited(model: string, ms: number): void {
    if (!this.#plans.has(model)) return;
    const before = this.#waitMs.get(model) ?? ms;
    this.#waitMs.set(model, before + smoothing * (ms - before));
  }

  #weightOf(camera: string): number {
    return this.#view.shares.get(camera)?.weight ?? 1;
  }

  #forgetOld(): void {
    const oldest = this.#now() - recentMs;
    for (const times of [this.#arrivedAt, this.#pressedAt])
      for (const [camera, at] of times) if (at < oldest) times.delete(camera);
  }

  #ownPressed(model: string): Pressed {
    const ofModel = (cameras: Iterable<string>) =>
      [...cameras].filter((camera) => this.#view.records.get(camera)?.model === model);
    const pressed = ofModel(this.#pressedAt.keys());
    const sum = (cameras: readonly string[], value: (camera: string) => number) =>
      cameras.reduce((total, camera) => total + value(camera), 0);
    return {
      cameras: pressed.length,
      weight: sum(pressed, (camera) => (this.#hasFloor(camera, model) ? 0 : this.#weightOf(camera))),
      floorFps: sum(ofModel(this.#arrivedAt.keys()), (camera) =>
        this.#hasFloor(camera, model) ? (this.#plans.get(model)?.held.get(camera) ?? 0) : 0,
      ),
    };
  }

  /** Whether a camera gets its floor because its weight would give it less. */
  #hasFloor(camera: string, model: string): boolean {
    const { held, tokens = 1 } = this.#plans.get(model) ?? {};
    const byWeight = (1000 * tokens * this.#weightOf(camera)) / (this.#waitMs.get(model) ?? 0);
    return (held?.get(camera) ?? 0) > byWeight;
  }

  #allPressed(model: string): Pressed {
    const { leases } = this.#view;
    const others = leases
      .keys()
      .filter((key) => key.startsWith(`${ingestPresence}.`) && key !== this.#presence)
      .flatMap((key) => readPresence(leases.get(key) ?? "").pressed[model] ?? []);
    return [this.#ownPressed(model), ...others].reduce((sum, each) => ({
      cameras: sum.cameras + each.cameras,
      weight: sum.weight + each.weight,
      floorFps: sum.floorFps + each.floorFps,
    }));
  }
}

/** What another ingest publishes; an earlier version publishes nothing about its cameras. */
function readPresence(text: string): IngestPresence {
  try {
    return decodeJson(ingestPresenceSchema, new TextEncoder().encode(text));
  } catch {
    return { pressed: {} };
  }
}
