import type { SecondStage, ServedModel, WorkerInfo, WorkerSecondStage } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** The models that workers serve now, or load when a camera asks for them, and the one meant when a camera names none. */
export class ModelCatalog {
  readonly defaultModel: string;
  readonly #models: Pick<KvMirror<ServedModel>, "get" | "keys">;
  readonly #workers: () => readonly WorkerInfo[];

  constructor(
    defaultModel: string,
    models: Pick<KvMirror<ServedModel>, "get" | "keys">,
    workers: () => readonly WorkerInfo[] = () => [],
  ) {
    this.defaultModel = defaultModel;
    this.#models = models;
    this.#workers = workers;
  }

  /** Models for second stages that workers have, one entry a worker. */
  secondStages(): WorkerSecondStage[] {
    return this.#workers().flatMap(({ secondStages = [] }) => secondStages);
  }

  /** What a camera's second stages tell; undefined while not all of them are had by a worker. */
  attributesOf(stages: readonly Pick<SecondStage, "model">[]): WorkerSecondStage["attributes"] | undefined {
    const all = this.secondStages();
    const found = stages.map(({ model }) => all.find((stage) => stage.model === model));
    if (found.some((stage) => !stage)) return undefined;
    return found.flatMap((stage) => stage!.attributes);
  }

  /** A model that is served, or is when a camera asks for it. */
  find(name: string): ServedModel | undefined {
    return this.#models.get(name);
  }

  /** Those of these class names that cannot be checked, since the model is not served now: all or none, each once. */
  uncheckedClasses(model: string, classes: readonly string[]): string[] {
    return this.find(model) ? [] : [...new Set(classes)];
  }

  /** Their names, sorted. */
  names(): string[] {
    return this.#models.keys().sort();
  }
}
