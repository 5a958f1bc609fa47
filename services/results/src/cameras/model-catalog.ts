import type { ServedModel } from "@sightline/contracts";
import type { KvMirror } from "@sightline/service";

/** The models that workers serve now, or load when a camera asks for them, and the one meant when a camera names none. */
export class ModelCatalog {
  readonly defaultModel: string;
  readonly #models: Pick<KvMirror<ServedModel>, "get" | "keys">;

  constructor(defaultModel: string, models: Pick<KvMirror<ServedModel>, "get" | "keys">) {
    this.defaultModel = defaultModel;
    this.#models = models;
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
