import { isModelName, type ModelVersions } from "@sightline/contracts";
import { ApiError } from "../errors.ts";

const prefix = "models/";
/** Fewest digits of a digest that identify a version; a shorter decimal number is a version's number. */
const fewestDigits = 4;

export function modelName(model: string): string {
  return `${prefix}${model}`;
}

export function versionName(model: string, version: string): string {
  return `${modelName(model)}/versions/${version}`;
}

/** The model in "models/{model}". @throws ApiError invalid_argument */
export function readModelName(name: string): string {
  const model = name.startsWith(prefix) ? name.slice(prefix.length) : "";
  if (!isModelName(model))
    throw new ApiError("invalid_argument", "the name of the model is not valid; expected models/{model}");
  return model;
}

/** Model and version in "models/{model}/versions/{version}". @throws ApiError invalid_argument */
export function readVersionName(name: string): { model: string; version: string } {
  const [parent, version, more] = name.split("/versions/");
  if (parent === undefined || !version || more !== undefined)
    throw new ApiError(
      "invalid_argument",
      "the name of the version is not valid; expected models/{model}/versions/{version}",
    );
  return { model: readModelName(parent), version };
}

/** The version with this number, or whose digest begins with these digits. @throws ApiError model_version_not_found, invalid_argument */
export function chooseVersion(model: string, { versions }: ModelVersions, wanted: string): string {
  const known =
    versions.length === 0
      ? "none is known"
      : `known are ${versions.map(({ version }, i) => `${i + 1}: ${version}`).join(", ")}`;
  const missing = () =>
    new ApiError("model_version_not_found", `model '${model}' has no version '${wanted}'; ${known}`);
  if (/^[0-9]+$/.test(wanted) && wanted.length < fewestDigits) {
    const numbered = versions[Number(wanted) - 1];
    if (!numbered) throw missing();
    return numbered.version;
  }
  if (!/^[0-9a-f]+$/.test(wanted) || wanted.length < fewestDigits)
    throw new ApiError(
      "invalid_argument",
      `'${wanted}' is not a version; expected its number, or the first ${fewestDigits} or more digits of its digest`,
    );
  const found = versions.filter(({ version }) => version.startsWith(wanted));
  if (found.length > 1)
    throw new ApiError(
      "invalid_argument",
      `'${wanted}' begins ${found.length} versions of model '${model}': ${found.map(({ version }) => version).join(", ")}`,
    );
  if (!found[0]) throw missing();
  return found[0].version;
}
