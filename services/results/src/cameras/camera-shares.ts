import type { KV } from "@nats-io/kv";
import { type Camera, type CameraShare, encodeJson, limits } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";
import { ApiError } from "../grpc/errors.ts";

type ShareFields = Pick<Camera, "weight" | "floorFps" | "priority">;

/** Fields of a camera's share that an update may name, by their path in the protobuf. */
export const sharePaths = ["weight", "floor_fps", "priority"] as const;
export type SharePath = (typeof sharePaths)[number];

/** Which fields are not at their default. */
export function givenShare({ weight, floorFps, priority }: ShareFields): Record<SharePath, boolean> {
  return { weight: weight !== 0, floor_fps: floorFps !== 0, priority: priority !== 0 };
}

/** How the API shows what is stored. */
export function shareOf({ weight = 1, floorFps = 0, priority = 0 }: CameraShare = {}): ShareFields {
  return { weight, floorFps, priority };
}

/** The fields named in `paths` from `given`, all others from `old`. */
export function mergeShare(
  paths: ReadonlySet<string>,
  given: ShareFields,
  old: CameraShare | undefined,
): ShareFields {
  const before = shareOf(old);
  return {
    weight: (paths.has("weight") ? given : before).weight,
    floorFps: (paths.has("floor_fps") ? given : before).floorFps,
    priority: (paths.has("priority") ? given : before).priority,
  };
}

/** Checks of the fields, each of which throws ApiError invalid_argument. */
export function shareChecks({
  weight,
  floorFps,
  priority,
  targetFps,
}: ShareFields & Pick<Camera, "targetFps">): Record<SharePath, () => void> {
  const { minWeight, maxWeight, maxTargetFps, maxPriority } = limits;
  return {
    weight: () => {
      if (weight !== 0 && !(weight >= minWeight && weight <= maxWeight))
        throw invalid(
          `camera.weight is ${weight}; expected ${minWeight} to ${maxWeight}, or 0 for the default, 1`,
        );
    },
    floor_fps: () => {
      if (!(floorFps >= 0 && floorFps <= maxTargetFps))
        throw invalid(`camera.floor_fps is ${floorFps}; expected 0 (none) to ${maxTargetFps}`);
      if (targetFps > 0 && floorFps > targetFps)
        throw invalid(
          `camera.floor_fps is ${floorFps}, more than the ${targetFps} frames/s of camera.target_fps; expected no more than these`,
        );
    },
    priority: () => {
      if (Math.abs(priority) > maxPriority)
        throw invalid(`camera.priority is ${priority}; expected -${maxPriority} to ${maxPriority}`);
    },
  };
}

/** The share as stored; null when all of it is at its default. */
export function toStoredShare({ weight, floorFps, priority }: ShareFields): CameraShare | null {
  const share = {
    ...(weight !== 0 && weight !== 1 && { weight }),
    ...(floorFps > 0 && { floorFps }),
    ...(priority !== 0 && { priority }),
  };
  return Object.keys(share).length > 0 ? share : null;
}

/** The shares of cameras that have one, in a bucket of their own. Methods throw when NATS does not answer. */
export class CameraShares {
  readonly #kv: KV;
  readonly #mirror: KvMirror<CameraShare>;

  constructor(kv: KV, mirror: KvMirror<CameraShare>) {
    this.#kv = kv;
    this.#mirror = mirror;
  }

  find(camera: string): CameraShare | undefined {
    return this.#mirror.get(camera);
  }

  /** Calls `listener` with a camera's id whenever its share changes. */
  onChange(listener: (camera: string) => void): () => void {
    return this.#mirror.onChange(({ key }) => listener(key));
  }

  /** Stores a share, or with null takes it away. */
  async apply(camera: string, share: CameraShare | null): Promise<void> {
    if (share) this.#mirror.applyPut(camera, await this.#kv.put(camera, encodeJson(share)), share);
    else await this.#remove(camera);
  }

  async #remove(camera: string): Promise<void> {
    // Asked of the bucket itself: what another process has just written may not be in memory yet.
    const entry = await this.#kv.get(camera);
    if (entry?.operation !== "PUT") return;
    await this.#kv.delete(camera);
    this.#mirror.applyDelete(camera, entry.revision);
  }
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
