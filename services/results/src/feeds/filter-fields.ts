import { cameraIdOf, cameraName, limits } from "@sightline/contracts";
import { allCameras, type CameraScope } from "../access/camera-scope.ts";
import { ApiError } from "../errors.ts";

const maxCameras = 1000;
const maxNameLength = 64;

/** Cameras of a filter, by resource name; undefined means every one. */
export interface CameraSet {
  cameras: { has(name: string): boolean } | undefined;
  /** Text that is equal for the same cameras. */
  camerasKey: string;
  /** Whether some cameras may be hidden from the caller: then totals over all cameras are not sent. */
  scoped: boolean;
  /** Id of the camera, if there is only one. */
  onlyCamera: string | undefined;
}

/**
 * Checks the cameras of a filter, and silently leaves out those outside the scope, as if they did not exist. A camera need not be
 * registered: subscriptions and history live longer than cameras.
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
  // The caller sees all cameras, or cameras by id prefix.
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

/** Checks a list of names in a filter; undefined means all. @throws ApiError invalid_argument */
export function readNames(field: string, names: readonly string[]): ReadonlySet<string> | undefined {
  if (names.length > limits.maxClasses)
    throw invalidArgument(`${field} has ${names.length} names; the most is ${limits.maxClasses}`);
  if (names.some((name) => name === "" || name.length > maxNameLength))
    throw invalidArgument(`${field} has a name that is empty or longer than ${maxNameLength} characters`);
  return names.length > 0 ? new Set(names) : undefined;
}

/** Text that is equal for equal filters. */
export function filterKey(...fields: readonly unknown[]): string {
  return JSON.stringify(fields, (_, field) => (field instanceof Set ? [...field].sort() : (field ?? null)));
}

export function invalidArgument(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
