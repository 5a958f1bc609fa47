import { cameraIdOf, cameraName, limits } from "@sightline/contracts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../grpc/errors.ts";

const maxCameras = 1000;
const maxNameLength = 64;

/** Cameras of a filter, by resource name; undefined means every one. */
export interface CameraSet {
  cameras: { has(name: string): boolean } | undefined;
  /** A text that is equal for the same cameras. */
  camerasKey: string;
  /** Whether there may be cameras that are kept from whoever asks: sums of all are then not told. */
  scoped: boolean;
  /** Id of the camera when it is only one. */
  onlyCamera: string | undefined;
}

/**
 * Checks the cameras of a filter, and leaves out those that are not in the scope, without a word: as if there were none.
 * A camera need not be registered: subscriptions and history outlive it.
 * @throws ApiError invalid_argument
 */
export function readCameras(names: readonly string[], scope: CameraScope = allCameras): CameraSet {
  if (names.length > maxCameras)
    throw invalidArgument(`cameras has ${names.length} names; the most is ${maxCameras}`);
  const ids = names.map(cameraIdOf);
  if (ids.includes(undefined))
    throw invalidArgument("cameras has a name that is not valid; expected cameras/{camera}");
  const scoped = !scope.all;
  const given = names.length > 0 ? names : scope.ids?.map(cameraName);
  // Of whoever sees all cameras, or those of which ids begin in a certain way.
  if (given === undefined) {
    const cameras = scoped ? { has: (name: string) => scope.seesName(name) } : undefined;
    return { cameras, camerasKey: scope.key, scoped, onlyCamera: undefined };
  }
  const cameras = new Set(given.filter((name) => scope.seesName(name)));
  const [first] = cameras;
  return {
    cameras,
    camerasKey: `=${[...cameras].sort().join()}`,
    scoped,
    onlyCamera: cameras.size === 1 ? cameraIdOf(first!) : undefined,
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
