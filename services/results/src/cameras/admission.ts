import type { Camera, CameraStatus, WorkerInfo } from "@sightline/contracts";
import { modelCapacity, promisable } from "@sightline/service";
import { ApiError } from "../errors.ts";
import type { CameraRegistry, StoredCamera } from "./camera-registry.ts";
import type { FloorClaim, FloorClaims } from "./floor-claims.ts";

/** The floor that a camera should be promised, and its present floor. */
export interface FloorRequest {
  id: string;
  model: string;
  floorFps: number;
}

/** Refuses floors that the workers of a model cannot hold, and warns when the total demand is more than they can do. */
export class Admission {
  readonly #registry: Pick<CameraRegistry, "ids" | "find">;
  readonly #workers: () => readonly WorkerInfo[];
  readonly #status: (camera: string) => CameraStatus | undefined;
  readonly #claims: FloorClaims;
  /** Claims of other processes while this process stores a floor. */
  #others: readonly FloorClaim[] = [];
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    registry: Pick<CameraRegistry, "ids" | "find">,
    workers: () => readonly WorkerInfo[],
    status: (camera: string) => CameraStatus | undefined,
    claims: FloorClaims,
  ) {
    this.#claims = claims;
    this.#registry = registry;
    this.#workers = workers;
    this.#status = status;
  }

  /**
   * Runs what stores a floor, one task after the other in this process, and so that other processes cannot promise too much at the same
   * time. Each check sees what earlier ones have stored, here and in other processes. @throws ApiError floor_not_promised,
   * registry_unavailable, and what `task` throws
   */
  promise<R>(request: FloorRequest, task: () => Promise<R>): Promise<R> {
    const done = this.#last.then(() => this.#claimed(request, task));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #claimed<R>({ id, model, floorFps }: FloorRequest, task: () => Promise<R>): Promise<R> {
    const claim = { camera: id, model, floorFps };
    try {
      const takeBack = await this.#claims.make(claim, (others) => {
        this.#others = others;
        this.check({ id, model, floorFps }, this.#registry.find(id));
      });
      return await this.#stored(task, takeBack);
    } finally {
      // Even after a refusal: the claims read then do not apply to later checks.
      this.#others = [];
    }
  }

  async #stored<R>(task: () => Promise<R>, takeBack: () => Promise<void>): Promise<R> {
    try {
      const done = await task();
      await takeBack();
      return done;
    } catch (error) {
      // It is then not known whether it was stored: it counts as a floor until the claim is stale.
      if (!(error instanceof ApiError && error.code === "registry_unavailable")) await takeBack();
      throw error;
    }
  }

  /** Whether a floor is new, larger than before, or for another model. */
  isMore({ model, floorFps }: FloorRequest, before: StoredCamera | undefined): boolean {
    const had = before?.record.model === model ? (before.share?.floorFps ?? 0) : 0;
    return floorFps > had;
  }

  /**
   * Checks a floor that is new, larger than before, or for another model. A floor for a model without measurements is accepted: workers may
   * be available soon. @throws ApiError floor_not_promised
   */
  check({ id, model, floorFps }: FloorRequest, before: StoredCamera | undefined): void {
    if (!this.isMore({ id, model, floorFps }, before)) return;
    const capacity = modelCapacity(this.#workers(), model);
    if (capacity === undefined) return;
    const floors = new Map<string, number>();
    for (const camera of this.#camerasOf(model))
      if (camera.share?.floorFps) floors.set(camera.id, camera.share.floorFps);
    for (const claim of this.#others)
      if (claim.model === model)
        floors.set(claim.camera, Math.max(claim.floorFps, floors.get(claim.camera) ?? 0));
    floors.delete(id);
    const promised = [...floors.values()].reduce((sum, floor) => sum + floor, 0);
    const most = promisable * capacity;
    if (promised + floorFps <= most) return;
    const taken =
      floors.size === 0
        ? ""
        : `, and ${floors.size === 1 ? "the floor of another camera takes" : `the floors of ${floors.size} other cameras take`} ${round(promised)}`;
    const least = 0.1;
    const left = most - promised < least ? "" : `ask for at most ${roundDown(most - promised)}, `;
    throw new ApiError(
      "floor_not_promised",
      `camera.floor_fps ${floorFps} cannot be promised: the workers of model '${model}' run ${round(capacity)} frames/s, of which ${round(most)} may be promised${taken}; ` +
        `${left}lower another floor, or start another worker`,
    );
  }

  /** Warnings about a camera that was registered or changed, in words. */
  warnings({ model, floorFps }: Pick<Camera, "model" | "floorFps">): string[] {
    const capacity = modelCapacity(this.#workers(), model);
    if (capacity === undefined)
      return floorFps > 0
        ? [
            `the floor of ${floorFps} frames/s could not be checked, since no worker serves model '${model}' now: it is held as far as the workers can`,
          ]
        : [];
    const asked = this.#camerasOf(model).reduce((sum, camera) => sum + this.#askedBy(camera), 0);
    if (asked <= capacity) return [];
    return [
      `the cameras of model '${model}' ask for ${round(asked)} frames/s and its workers run ${round(capacity)}: frames are left out, by the cameras' weights; ` +
        "ask for fewer frames per second, or start another worker",
    ];
  }

  #camerasOf(model: string): StoredCamera[] {
    return this.#registry
      .ids()
      .flatMap((id) => this.#registry.find(id) ?? [])
      .filter(({ record }) => record.model === model);
  }

  /** Frames per second that a camera sends to the workers, as far as known. */
  #askedBy({ id, record }: StoredCamera): number {
    const sent = this.#status(id)?.captureFps ?? 0;
    if (record.targetFps === 0) return sent;
    return sent > 0 ? Math.min(sent, record.targetFps) : record.targetFps;
  }
}

function round(fps: number): string {
  return fps.toFixed(1);
}

function roundDown(fps: number): string {
  return (Math.floor(fps * 10) / 10).toFixed(1);
}
