import { type CameraRules, cameraIdOf, type ServedModel } from "@sightline/contracts";
import type { GetCameraRulesRequest, UpdateCameraRulesRequest } from "@sightline/contracts/api";
import { checkRules, parseRules, type RulesCheck, RulesError } from "@sightline/rules";
import type { Buckets, Lifecycle, Logger } from "@sightline/service";
import type { ModelCatalog } from "../cameras/model-catalog.ts";
import { ApiError } from "../errors.ts";
import type { Mirrors } from "../mirrors.ts";
import { RulesRegistry } from "./rules-registry.ts";

/** The calls of RulesService. Every method throws ApiError. */
export class RulesService {
  readonly #registry: RulesRegistry;
  readonly #catalog: ModelCatalog;

  constructor(registry: RulesRegistry, catalog: ModelCatalog) {
    this.#registry = registry;
    this.#catalog = catalog;
  }

  get(request: GetCameraRulesRequest): CameraRules {
    const camera = readName(request.name);
    this.#registry.requireCamera(camera);
    return { ...this.#registry.find(camera), name: request.name };
  }

  /** @throws ApiError rules_invalid with every fault, camera_not_found, etag_mismatch, registry_unavailable */
  async update({ rules }: UpdateCameraRulesRequest): Promise<CameraRules> {
    if (!rules) throw new ApiError("invalid_argument", "rules is missing");
    const camera = readName(rules.name);
    const checked = checkedRules(rules, this.#known(camera));
    return { ...(await this.#registry.replace(camera, checked, rules.etag)), name: rules.name };
  }

  /** Like `update`, with rules in the form of a rules file; `etag` takes precedence over the one in the file. */
  async updateFromFile(camera: string, file: unknown, etag: string): Promise<CameraRules> {
    const checked = parsedRules(file, this.#known(camera));
    const rules = await this.#registry.replace(camera, checked, etag || checked.etag);
    return { ...rules, name: rulesName(camera) };
  }

  /** Classes in rules that were accepted unchecked, because no worker serves their camera's model now. */
  uncheckedClasses({ name, rules }: CameraRules): string[] {
    const { model } = this.#registry.requireCamera(readName(name));
    const classes = rules.flatMap((rule) => rule.classes);
    return this.#catalog.uncheckedClasses(model, classes);
  }

  #known(camera: string): KnownToRules {
    const { model, secondStages = [] } = this.#registry.requireCamera(camera);
    return { model: this.#catalog.find(model), attributes: this.#catalog.attributesOf(secondStages) };
  }
}

/** Resource name of a camera's rules. */
export function rulesName(camera: string): string {
  return `cameras/${camera}/rules`;
}

function readName(name: string): string {
  const camera = name.endsWith("/rules") ? cameraIdOf(name.slice(0, -"/rules".length)) : undefined;
  if (camera === undefined)
    throw new ApiError(
      "invalid_argument",
      "the name of the rules is not valid; expected cameras/{camera}/rules",
    );
  return camera;
}

/** Rules in stored form. Classes and attributes are checked only while the camera's models are served. @throws ApiError rules_invalid */
export function checkedRules(rules: CameraRules, known: KnownToRules): CameraRules {
  return tellFaults(() => checkRules(rules, checkOf(known)));
}

/** Rules in the form of a rules file, converted to their stored form. @throws ApiError rules_invalid */
export function parsedRules(file: unknown, known: KnownToRules): CameraRules {
  return tellFaults(() => parseRules(file, checkOf(known)));
}

/** Classes and attributes of a camera's models; undefined while they are unknown. */
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

/** What the rest of the service uses of rules. */
export interface RulesParts {
  registry: RulesRegistry;
  service: RulesService;
}

/** Starts the registry of rules, and deletes those whose camera was deleted meanwhile; it ends through `life`. */
export async function startRules(
  buckets: Buckets,
  { rules, records }: Mirrors,
  catalog: ModelCatalog,
  log: Logger,
  life: Lifecycle,
): Promise<RulesParts> {
  const registry = life.add(new RulesRegistry(buckets.cameraRules, rules, records, log));
  await registry.sweep(buckets.cameras);
  return { registry, service: new RulesService(registry, catalog) };
}
