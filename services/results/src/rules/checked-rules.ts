import type { CameraRules, ServedModel } from "@sightline/contracts";
import { checkRules, parseRules, type RulesCheck, RulesError } from "@sightline/rules";
import { ApiError } from "../grpc/errors.ts";

/** Rules as they are kept. Classes and attributes are checked only while the camera's models are served. @throws ApiError rules_invalid */
export function checkedRules(rules: CameraRules, known: KnownToRules): CameraRules {
  return tellFaults(() => checkRules(rules, checkOf(known)));
}

/** Rules from the form of a rules file, as they are kept. @throws ApiError rules_invalid */
export function parsedRules(file: unknown, known: KnownToRules): CameraRules {
  return tellFaults(() => parseRules(file, checkOf(known)));
}

/** What a camera's models know; undefined while that is not known. */
export interface KnownToRules {
  readonly model: Pick<ServedModel, "classes"> | undefined;
  readonly attributes: RulesCheck["attributes"] | undefined;
}

function checkOf({ model, attributes }: KnownToRules): RulesCheck {
  return { ...(model && { classes: model.classes }), ...(attributes && { attributes }) };
}

function tellFaults(check: () => CameraRules): CameraRules {
  try {
    return check();
  } catch (error) {
    if (error instanceof RulesError) throw new ApiError("rules_invalid", error.message, { cause: error });
    throw error;
  }
}
