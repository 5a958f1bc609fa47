import type { SecondStage, ServedModel, WorkerInfo, WorkerSecondStage } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** The models that workers serve now, or load on demand, and the default for cameras that name none. */
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

  /** Second-stage models of the workers, one entry per worker. */
  secondStages(): WorkerSecondStage[] {
    return this.#workers().flatMap(({ secondStages = [] }) => secondStages);
  }

  /** The attributes of a camera's second stages; undefined while workers do not have all of them. */
  attributesOf(stages: readonly Pick<SecondStage, "model">[]): WorkerSecondStage["attributes"] | undefined {
    const all = this.secondStages();
    const found = stages.map(({ model }) => all.find((stage) => stage.model === model));
    if (found.some((stage) => !stage)) return undefined;
    return found.flatMap((stage) => stage!.attributes);
  }

  /** A model that is served now or on demand. */
  find(name: string): ServedModel | undefined {
    return this.#models.get(name);
  }

  /** The class names among these that cannot be checked because the model is not served now: all or none, each once. */
  uncheckedClasses(model: string, classes: readonly string[]): string[] {
    return this.find(model) ? [] : [...new Set(classes)];
  }

  /** Sorted names of the models. */
  names(): string[] {
    return this.#models.keys().sort();
  }
}
