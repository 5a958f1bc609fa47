import type { CameraRules, ServedModel } from "@sightline/contracts";
import { checkRules, parseRules, RulesError } from "@sightline/rules";
import { ApiError } from "../grpc/errors.ts";

/** Rules as they are kept. Classes are checked only while the camera's model is served. @throws ApiError rules_invalid */
export function checkedRules(rules: CameraRules, model: ServedModel | undefined): CameraRules {
  return tellFaults(() => checkRules(rules, checkOf(model)));
}

/** Rules from the form of a rules file, as they are kept. @throws ApiError rules_invalid */
export function parsedRules(file: unknown, model: ServedModel | undefined): CameraRules {
  return tellFaults(() => parseRules(file, checkOf(model)));
}

function checkOf(model: ServedModel | undefined) {
  return model && { classes: model.classes };
}

function tellFaults(check: () => CameraRules): CameraRules {
  try {
    return check();
  } catch (error) {
    if (error instanceof RulesError) throw new ApiError("rules_invalid", error.message);
    throw error;
  }
}
