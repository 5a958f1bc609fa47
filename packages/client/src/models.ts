import {
  type ActivateModelResponse,
  Duration,
  type Model,
  ModelServiceClient,
  type ModelVersion,
} from "@sightline/contracts";
import type { CallSettings } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";

/** An answer of an activation takes this much longer than the workers may: they change after all are ready. */
const marginMs = 30_000;
const defaultTimeoutMs = 120_000;

/** How an activation is made. */
export interface ActivateSettings extends CallSettings {
  /** How long the workers may take to get the version ready; 2 minutes unless given. */
  timeoutMs?: number | undefined;
}

/** What is active now. */
export interface Activation {
  version: ModelVersion;
  /** What is now amiss, in words: rules and cameras that name classes which this version does not know, for one. */
  warnings: readonly string[];
}

/** Models and their versions. Every method throws SightlineError. */
export class Models {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** The models that workers serve now, by name. */
  async list(call: CallSettings = {}): Promise<Model[]> {
    const { models } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.listModels,
      {},
      call,
    );
    return models;
  }

  /** The versions of a model, the first seen first. NOT_FOUND when there is no such model. */
  async versions(model: string, call: CallSettings = {}): Promise<ModelVersion[]> {
    const request = { parent: modelName(model) };
    const { versions } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.listModelVersions,
      request,
      call,
    );
    return versions;
  }

  /**
   * Makes a version, named by its number or by the first digits of its digest (4 at least), the one that all workers of the model
   * serve, without a stop. FAILED_PRECONDITION when a worker cannot serve it: then nothing has changed.
   */
  async activate(model: string, version: string, settings: ActivateSettings = {}): Promise<Activation> {
    const name = `${modelName(model)}/versions/${version}`;
    return this.#change((client) => client.activateModel, name, settings);
  }

  /** Activates the version that was active before. FAILED_PRECONDITION when there is none. */
  async rollback(model: string, settings: ActivateSettings = {}): Promise<Activation> {
    return this.#change((client) => client.rollbackModel, modelName(model), settings);
  }

  async #change(
    method: (client: ModelServiceClient) => ModelServiceClient["activateModel"],
    name: string,
    { timeoutMs = defaultTimeoutMs, signal }: ActivateSettings,
  ): Promise<Activation> {
    const timeout = Duration.fromPartial({
      seconds: Math.floor(timeoutMs / 1000),
      nanos: Math.round((timeoutMs % 1000) * 1e6),
    });
    const answer: ActivateModelResponse = await this.#connection.call(
      ModelServiceClient,
      method,
      { name, timeout },
      { ...(signal ? { signal } : {}), deadlineMs: timeoutMs + marginMs },
    );
    if (!answer.version) throw new SightlineError("INTERNAL", "the server's answer has no version");
    return { version: answer.version, warnings: answer.warnings };
  }
}

function modelName(model: string): string {
  return `models/${model}`;
}
