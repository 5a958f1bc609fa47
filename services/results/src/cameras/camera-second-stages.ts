import { type Camera, type CameraRecord, isModelName, limits, type SecondStage } from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import type { ModelCatalog } from "./model-catalog.ts";

/** The stored form; undefined without second stages. */
export function toStoredSecondStages({ secondStages }: Camera): CameraRecord["secondStages"] {
  if (secondStages.length === 0) return undefined;
  return secondStages.map(({ model, classes }) => ({ model, classes: [...new Set(classes)] }));
}

/** Checks second stages against those that workers have now. @throws ApiError */
export function checkSecondStages({ secondStages, model }: Camera, catalog: ModelCatalog): void {
  if (secondStages.length > limits.maxSecondStages)
    throw invalid(
      `camera.second_stages has ${secondStages.length} models; the most is ${limits.maxSecondStages}`,
    );
  const taken = new Set<string>();
  for (const stage of secondStages) {
    if (!isModelName(stage.model))
      throw invalid(
        "camera.second_stages has a model that is not a model name; expected 1 to 63 letters, digits, '-' or '_'",
      );
    if (taken.has(stage.model)) throw invalid(`camera.second_stages names '${stage.model}' twice`);
    taken.add(stage.model);
    checkServed(stage.model, catalog);
    checkClasses(stage, model || catalog.defaultModel, catalog);
  }
}

function checkServed(model: string, catalog: ModelCatalog): void {
  const all = catalog.secondStages();
  if (all.some((stage) => stage.model === model)) return;
  if (catalog.find(model))
    throw invalid(
      `camera.second_stages names '${model}', which is a detector; a second stage is a classifier (a camera's detector is its model)`,
    );
  const names = [...new Set(all.map((stage) => stage.model))].sort();
  throw new ApiError(
    "model_not_served",
    `camera.second_stages names '${model}', which no worker has; ${
      names.length > 0 ? `they have: ${names.join(", ")}` : "no worker has any second stage now"
    }`,
  );
}

function checkClasses({ model, classes }: SecondStage, detector: string, catalog: ModelCatalog): void {
  if (classes.length > limits.maxClasses)
    throw invalid(
      `camera.second_stages has ${classes.length} classes for '${model}'; the most is ${limits.maxClasses}`,
    );
  const known = catalog.find(detector)?.classes;
  const unknown = known && classes.find((name) => !known.includes(name));
  if (unknown !== undefined)
    throw new ApiError(
      "unknown_class",
      `camera.second_stages has '${model}' look at '${unknown.slice(0, 64)}', which model '${detector}' does not know; it knows ${known!
        .slice(0, 20)
        .join(", ")}${known!.length > 20 ? ` and ${known!.length - 20} more` : ""}`,
    );
}

function invalid(message: string): ApiError {
  return new ApiError("invalid_argument", message);
}
