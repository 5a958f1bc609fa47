import { isDeepStrictEqual } from "node:util";
import {
  Camera,
  cameraSettingNames,
  isModelName,
  labelsFault,
  limits,
  type PathOf,
  pathOfSetting,
  plainFault,
  plainSettings,
  plainSettingsJson,
  Recording,
  recordOfPlain,
  type SettingName,
  type StoredSettings,
} from "@sightline/contracts";
import { ApiError, faultsOf, throwFaults } from "../errors.ts";
import { checkPrivacyMasks, toStoredPrivacy } from "./camera-privacy.ts";
import {
  type RecordingPath,
  recordingChecks,
  recordingMaskPaths,
  toStoredRecording,
} from "./camera-recording.ts";
import { checkSecondStages, toStoredSecondStages } from "./camera-second-stages.ts";
import type { ModelCatalog } from "./model-catalog.ts";

const maxClassLength = 64;

export type UpdatablePath = PathOf<Exclude<SettingName, "recording">> | RecordingPath;

/** Fields of a camera that an update may name, by their protobuf paths. */
export const updatablePaths: readonly UpdatablePath[] = cameraSettingNames.flatMap((name) =>
  name === "recording" ? recordingMaskPaths : (pathOfSetting(name) as UpdatablePath),
);

/**
 * The fields that an update changes: those of the mask, `*` for all, or without a mask those that differ from their default. @throws
 * ApiError invalid_argument
 */
export function updatedPaths(camera: Camera, mask: readonly string[] | undefined): Set<UpdatablePath> {
  if (mask?.includes("*")) return new Set(updatablePaths);
  const named = mask?.length
    ? mask.flatMap((path) => (path === "recording" ? recordingMaskPaths : path))
    : updatablePaths.filter((path) => !isDeepStrictEqual(valueAt(camera, path), valueAt(unset, path)));
  const unknown = named.find((path) => !isUpdatable(path));
  if (unknown !== undefined)
    throw invalid(`update_mask names '${shorten(unknown)}'; expected some of ${updatablePaths.join(", ")}`);
  if (named.length === 0) throw invalid(`nothing to update; update_mask takes ${updatablePaths.join(", ")}`);
  return new Set(named.filter(isUpdatable));
}

const unset = Camera.create();

/** The value of a setting. */
function valueAt(camera: Camera, path: UpdatablePath): unknown {
  const [holder, name] = placeOf(camera, path);
  return holder[name];
}

/** The settings named in `paths` from `given`, all others from `old`. */
export function mergeSettings(old: Camera, given: Camera, paths: ReadonlySet<UpdatablePath>): Camera {
  const merged = { ...old, recording: { ...Recording.create(), ...old.recording } };
  for (const path of paths) {
    const [holder, name] = placeOf(merged, path);
    holder[name] = valueAt(given, path);
  }
  return merged;
}

/** The object that contains a setting, and the setting's name there. */
function placeOf(camera: Camera, path: UpdatablePath): [holder: Record<string, unknown>, name: string] {
  const [outer = "", inner] = path.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase()).split(".");
  if (inner === undefined) return [camera as never, outer];
  return [(camera.recording ?? Recording.create()) as never, inner];
}

/** Faults of a request's form, and the faulty fields: their values are not checked. */
export interface FormFaults {
  readonly faults: readonly ApiError[];
  readonly fields: ReadonlySet<string>;
}

/** A request without faults of form. */
export const wellFormed: FormFaults = { faults: [], fields: new Set() };

/**
 * All faults of settings. Model and classes are checked against the present models only if named in `changed`, so that a camera can be
 * changed while its model is away.
 */
function settingFaults(
  camera: Camera,
  changed: ReadonlySet<UpdatablePath>,
  catalog: ModelCatalog,
  { fields }: FormFaults,
): ApiError[] {
  const model = camera.model || catalog.defaultModel;
  const classesCount = changed.has("classes") || (changed.has("model") && !fields.has("model"));
  const stagesCount = changed.has("second_stages") || (changed.has("model") && !fields.has("model"));
  const checks: Partial<Record<UpdatablePath, () => unknown>> = {
    ...plainChecks(camera),
    ...(changed.has("model") && { model: () => checkModel(model, catalog) }),
    ...(classesCount && { classes: () => checkClasses(camera.classes, model, catalog) }),
    labels: () => checkLabels(camera.labels),
    ...(stagesCount && { second_stages: () => checkSecondStages(camera, catalog) }),
    privacy_masks: () => checkPrivacyMasks(camera.privacyMasks),
    ...recordingChecks(camera.recording),
  };
  return updatablePaths.flatMap((path) => {
    const check = fields.has(path) ? undefined : checks[path];
    return check ? faultsOf(check) : [];
  });
}

/**
 * Checks settings and fills in defaults. @throws ApiError with all faults: of the request's form, of `others`, and those from {@link
 * settingFaults}
 */
export function checkSettings(
  camera: Camera,
  changed: ReadonlySet<UpdatablePath>,
  catalog: ModelCatalog,
  form: FormFaults = wellFormed,
  others: readonly ApiError[] = [],
): Omit<StoredSettings, "uri"> {
  throwFaults([...form.faults, ...others, ...settingFaults(camera, changed, catalog, form)]);
  const { classes, labels } = camera;
  const recording = toStoredRecording(camera.recording);
  const privacy = toStoredPrivacy(camera);
  const secondStages = toStoredSecondStages(camera);
  return {
    ...recordOfPlain(plainSettingsJson(camera)),
    ...(recording && { recording }),
    ...(privacy && { privacy }),
    ...(secondStages && { secondStages }),
    ...(Object.keys(labels).length > 0 && { labels: { ...labels } }),
    model: camera.model || catalog.defaultModel,
    classes: [...new Set(classes)],
  };
}

/** Checks of numbers and choices; each throws ApiError invalid_argument. */
function plainChecks(camera: Camera): Partial<Record<UpdatablePath, () => void>> {
  const checks = plainSettings.map(([name]) => [
    pathOfSetting(name),
    () => {
      const fault = plainFault(camera, name) ?? (name === "floorFps" ? floorFault(camera) : undefined);
      if (fault !== undefined) throw invalid(fault);
    },
  ]);
  return Object.fromEntries(checks);
}

function floorFault({ floorFps, targetFps }: Camera): string | undefined {
  if (targetFps === 0 || !(floorFps > targetFps)) return undefined;
  return `camera.floor_fps is ${floorFps}, more than the ${targetFps} frames/s of camera.target_fps; expected no more than these`;
}

function checkModel(model: string, catalog: ModelCatalog): void {
  if (!isModelName(model))
    throw invalid("camera.model is not a model name; expected 1 to 63 letters, digits, '-' or '_'");
  if (model === catalog.defaultModel || catalog.find(model)) return;
  if (catalog.secondStages().some((stage) => stage.model === model))
    throw invalid(
      `camera.model '${model}' is a classifier, which finds nothing by itself; name it as a second stage (--then ${model}) beside a detector`,
    );
  const served = catalog.names();
  throw new ApiError(
    "model_not_served",
    `camera.model '${model}' is served by no worker, and none can load it; ${
      served.length > 0 ? `served now: ${served.join(", ")}` : "no worker serves any model now"
    }`,
  );
}

function checkClasses(classes: readonly string[], model: string, catalog: ModelCatalog): void {
  if (classes.length > limits.maxClasses)
    throw invalid(`camera.classes has ${classes.length} names; the most is ${limits.maxClasses}`);
  if (classes.some((name) => name === "" || name.length > maxClassLength))
    throw invalid(`camera.classes has a name that is empty or longer than ${maxClassLength} characters`);
  const known = catalog.find(model)?.classes;
  const unknown = known && classes.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ApiError(
      "unknown_class",
      `camera.classes has '${unknown}', which model '${model}' does not know; it knows ${listSome(known ?? [])}`,
    );
}

function checkLabels(labels: Camera["labels"]): void {
  const fault = labelsFault(labels);
  if (fault) throw invalid(`camera.${fault}`);
}

function isUpdatable(path: string): path is UpdatablePath {
  return (updatablePaths as readonly string[]).includes(path);
}

function listSome(names: readonly string[]): string {
  const most = 20;
  return names.length <= most
    ? names.join(", ")
    : `${names.slice(0, most).join(", ")} and ${names.length - most} more`;
}

function shorten(text: string): string {
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
