import { type Camera, type CameraShare, limits } from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";
import type { CameraEntries } from "./camera-entries.ts";

type ShareFields = Pick<Camera, "weight" | "floorFps" | "priority">;

/** Fields of a camera's share that an update may name, by their path in the protobuf. */
export const sharePaths = ["weight", "floor_fps", "priority"] as const;
export type SharePath = (typeof sharePaths)[number];

/** How the API shows what is stored. */
export function shareOf({ weight = 1, floorFps = 0, priority = 0 }: CameraShare = {}): ShareFields {
  return { weight, floorFps, priority };
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

/** The shares of cameras that have one. */
export type CameraShares = CameraEntries<CameraShare>;

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
