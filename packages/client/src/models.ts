import { cameraName, Duration } from "@sightline/contracts";
import {
  type ActivateModelResponse,
  type Model,
  ModelServiceClient,
  type ModelShadowMessage as ModelShadow,
  type ModelVersion,
} from "@sightline/contracts/api";
import type { CallSettings } from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";

/** Extra time for the answer to an activation: the workers switch only after all of them are ready. */
const marginMs = 30_000;
const defaultTimeoutMs = 120_000;

/** How an activation is made. */
export interface ActivateSettings extends CallSettings {
  /** How long the workers may take to get the version ready; 2 minutes unless given. */
  timeoutMs?: number | undefined;
}

/** How a shadow runs. */
export interface ShadowSettings extends CallSettings {
  /** Its number or the first digits of its digest; the active one unless given. */
  version?: string | undefined;
  /** Default: what the worker would run. */
  precision?: "int8" | "fp32" | undefined;
  /** Share of the camera's frames; 0.1 unless given. */
  share?: number | undefined;
  /** Until it is stopped, unless given. */
  durationSeconds?: number | undefined;
}

/** Result of an activation. */
export interface Activation {
  version: ModelVersion;
  /** Current problems, in words: for example rules and cameras that name classes which this version does not know. */
  warnings: readonly string[];
}

/**
 * Models and their versions. Every method throws SightlineError.
 *
 * @example
 * ```ts
 * const [model] = await client.models.list();
 * assert.equal(model?.name, "models/yolo-nas-pedestrians");
 * assert.equal((await client.models.versions("yolo-nas-pedestrians")).length, 1);
 * ```
 */
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

  /** The versions of a model, oldest first. NOT_FOUND when there is no such model. */
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
   * Makes all workers of the model serve this version, without interruption. The version is given by its number or by the first digits of
   * its digest (at least 4). FAILED_PRECONDITION when a worker cannot serve it: then nothing changes.
   */
  async activate(model: string, version: string, settings: ActivateSettings = {}): Promise<Activation> {
    const name = `${modelName(model)}/versions/${version}`;
    return this.#change((client) => client.activateModel, name, settings);
  }

  /** Activates the version that was active before. FAILED_PRECONDITION when there is none. */
  async rollback(model: string, settings: ActivateSettings = {}): Promise<Activation> {
    return this.#change((client) => client.rollbackModel, modelName(model), settings);
  }

  /**
   * Starts to run a share of a camera's frames by another model too, and to compare the two; the camera's results do not change.
   * INVALID_ARGUMENT when no worker has the model, RESOURCE_EXHAUSTED when too many shadows run.
   */
  async startShadow(camera: string, model: string, settings: ShadowSettings = {}): Promise<ModelShadow> {
    const { version = "", precision = "", share = 0, durationSeconds, ...call } = settings;
    const duration =
      durationSeconds === undefined ? undefined : Duration.fromPartial({ seconds: durationSeconds });
    const request = {
      camera: cameraName(camera),
      model: modelName(model),
      version,
      precision,
      share,
      duration,
    };
    return shadowOf(
      await this.#connection.call(ModelServiceClient, (client) => client.startModelShadow, request, call),
    );
  }

  /** Running shadows and the most recent ended ones, newest first, without their frames. */
  async shadows(call: CallSettings = {}): Promise<ModelShadow[]> {
    const { shadows } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.listModelShadows,
      {},
      call,
    );
    return shadows;
  }

  /** The result of a shadow so far. NOT_FOUND when there is no shadow with this id. */
  async shadow(id: string, call: CallSettings = {}): Promise<ModelShadow> {
    const request = { name: shadowName(id) };
    return shadowOf(
      await this.#connection.call(ModelServiceClient, (client) => client.getModelShadow, request, call),
    );
  }

  /** Ends a shadow; its result is kept. */
  async stopShadow(id: string, call: CallSettings = {}): Promise<ModelShadow> {
    const request = { name: shadowName(id) };
    return shadowOf(
      await this.#connection.call(ModelServiceClient, (client) => client.stopModelShadow, request, call),
    );
  }

  /** Ends a shadow and deletes its result. */
  async deleteShadow(id: string, call: CallSettings = {}): Promise<void> {
    const request = { name: shadowName(id) };
    await this.#connection.call(ModelServiceClient, (client) => client.deleteModelShadow, request, call);
  }

  /** Picture of one of its frames, as JPEG with the boxes that differ. NOT_FOUND when there is none. */
  async shadowPicture(id: string, frame: string, call: CallSettings = {}): Promise<Uint8Array> {
    const request = { name: shadowName(id), frame };
    const { content } = await this.#connection.call(
      ModelServiceClient,
      (client) => client.getModelShadowPicture,
      request,
      call,
    );
    return content;
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

function shadowName(id: string): string {
  return `shadows/${id}`;
}

function modelName(model: string): string {
  return `models/${model}`;
}

function shadowOf({ shadow }: { shadow?: ModelShadow | undefined }): ModelShadow {
  if (!shadow) throw new SightlineError("INTERNAL", "the server's answer has no shadow");
  return shadow;
}
