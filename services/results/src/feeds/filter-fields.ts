import { cameraIdOf, limits } from "@sightline/contracts";
import { ApiError } from "../grpc/errors.ts";

const maxCameras = 1000;
const maxNameLength = 64;

/** Cameras of a filter, by resource name; undefined means every one. */
export interface CameraSet {
  cameras: ReadonlySet<string> | undefined;
  /** Id of the camera when it is only one. */
  onlyCamera: string | undefined;
}

/**
 * Checks the cameras of a filter. A camera need not be registered: subscriptions and history outlive it.
 * @throws ApiError invalid_argument
 */
export function readCameras(names: readonly string[]): CameraSet {
  if (names.length > maxCameras)
    throw invalidArgument(`cameras has ${names.length} names; the most is ${maxCameras}`);
  const ids = names.map(cameraIdOf);
  if (ids.includes(undefined))
    throw invalidArgument("cameras has a name that is not valid; expected cameras/{camera}");
  const cameras = new Set(names);
  return {
    cameras: cameras.size > 0 ? cameras : undefined,
    onlyCamera: cameras.size === 1 ? ids[0] : undefined,
  };
}

/** Checks a list of names of a filter; undefined means all. @throws ApiError invalid_argument */
export function readNames(field: string, names: readonly string[]): ReadonlySet<string> | undefined {
  if (names.length > limits.maxClasses)
    throw invalidArgument(`${field} has ${names.length} names; the most is ${limits.maxClasses}`);
  if (names.some((name) => name === "" || name.length > maxNameLength))
    throw invalidArgument(`${field} has a name that is empty or longer than ${maxNameLength} characters`);
  return names.length > 0 ? new Set(names) : undefined;
}

/** A text that is equal for filters that are. */
export function filterKey(...fields: readonly unknown[]): string {
  return JSON.stringify(fields, (_, field) => (field instanceof Set ? [...field].sort() : (field ?? null)));
}

export function invalidArgument(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
