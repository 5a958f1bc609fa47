import type { Camera, CameraStatus, WorkerInfo } from "@sightline/contracts";
import { modelCapacity, promisable } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";
import type { CameraRegistry, StoredCamera } from "./camera-registry.ts";

/** What a camera is to be promised, and what it is promised already. */
export interface FloorRequest {
  id: string;
  model: string;
  floorFps: number;
}

/** Refuses floors that the workers of a model cannot hold, and warns when all that is asked of them is more than they can do. */
export class Admission {
  readonly #registry: Pick<CameraRegistry, "ids" | "find">;
  readonly #workers: () => readonly WorkerInfo[];
  readonly #status: (camera: string) => CameraStatus | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    registry: Pick<CameraRegistry, "ids" | "find">,
    workers: () => readonly WorkerInfo[],
    status: (camera: string) => CameraStatus | undefined,
  ) {
    this.#registry = registry;
    this.#workers = workers;
    this.#status = status;
  }

  /** Does what may promise something one after the other: each check of a floor sees what the ones before have stored. */
  inTurn<R>(promises: boolean, task: () => Promise<R>): Promise<R> {
    if (!promises) return task();
    const done = this.#last.then(task);
    this.#last = done.catch(() => undefined);
    return done;
  }

  /**
   * Checks a floor that is new or larger than before, or asked of another model. One of a model of which nothing is measured is taken: there may be workers
   * soon. @throws ApiError floor_not_promised
   */
  check({ id, model, floorFps }: FloorRequest, before: StoredCamera | undefined): void {
    const had = before?.record.model === model ? (before.share?.floorFps ?? 0) : 0;
    if (floorFps <= had) return;
    const capacity = modelCapacity(this.#workers(), model);
    if (capacity === undefined) return;
    const others = this.#camerasOf(model).filter((camera) => camera.id !== id && camera.share?.floorFps);
    const promised = others.reduce((sum, { share }) => sum + (share?.floorFps ?? 0), 0);
    const most = promisable * capacity;
    if (promised + floorFps <= most) return;
    const taken =
      others.length === 0
        ? ""
        : `, and ${others.length === 1 ? "the floor of another camera takes" : `the floors of ${others.length} other cameras take`} ${round(promised)}`;
    const least = 0.1;
    const left = most - promised < least ? "" : `ask for at most ${roundDown(most - promised)}, `;
    throw new ApiError(
      "floor_not_promised",
      `camera.floor_fps ${floorFps} cannot be promised: the workers of model '${model}' run ${round(capacity)} frames/s, of which ${round(most)} may be promised${taken}; ` +
        `${left}lower another floor, or start another worker`,
    );
  }

  /** What is to be known of a camera that was registered or changed, in words. */
  warnings({ model, floorFps }: Pick<Camera, "model" | "floorFps">): string[] {
    const capacity = modelCapacity(this.#workers(), model);
    if (capacity === undefined)
      return floorFps > 0
        ? [
            `the floor of ${floorFps} frames/s could not be checked, since no worker serves model '${model}' now: it is held as far as workers can`,
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

  /** Frames per second that a camera has for the workers, as far as that is known. */
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
