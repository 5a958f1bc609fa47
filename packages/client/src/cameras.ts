import {
  type Camera,
  cameraName,
  cameraOfSettings,
  cameraPathsOf,
  FrameReference,
  type GivenCameraSettings,
  type GivenRecording,
} from "@sightline/contracts";
import { CameraServiceClient, WatchCamerasResponse_Change as Change } from "@sightline/contracts/api";
import {
  type CallSettings,
  pages,
  tellUnchecked,
  type UnaryMethod,
  type UncheckedClasses,
  type Warnings,
} from "./calls.ts";
import type { Connection } from "./connection.ts";
import { SightlineError } from "./errors.ts";
import { toTime } from "./time.ts";

/** Settings of a camera that a user may choose. */
export type CameraSettings = GivenCameraSettings & {
  /** rtsp, rtsps, http or https URL (MJPEG, HLS), or file:///; a user and password in it are stored separately and never returned. */
  uri: string;
};

/** What is recorded of a camera's video, and how long it is kept. */
export type RecordingSettings = GivenRecording;

/** Options of a watch. */
export interface WatchOptions {
  /** Ends the iteration without an error. */
  signal?: AbortSignal;
  /** Called when the server has accepted the watch. */
  onOpen?: () => void;
}

export type CameraChangeKind = "existing" | "registered" | "updated" | "status" | "deleted";

/** One change of a camera. For a deleted camera only the name is set. */
export interface CameraChange {
  kind: CameraChangeKind;
  camera: Camera;
}

const changeKinds: Record<number, CameraChangeKind> = {
  [Change.EXISTING]: "existing",
  [Change.REGISTERED]: "registered",
  [Change.UPDATED]: "updated",
  [Change.STATUS]: "status",
  [Change.DELETED]: "deleted",
};

/**
 * The registry of cameras. Cameras are named by their id, such as `front`. Every method throws SightlineError.
 *
 * @example
 * ```ts
 * await client.cameras.register("gate", { uri: "rtsp://gate.invalid/live", targetFps: 5 });
 * const camera = await client.cameras.update("gate", { targetFps: 2 });
 * assert.equal(camera.targetFps, 2);
 * await client.cameras.delete("gate");
 * ```
 */
export class Cameras {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /**
   * Registers a camera. ALREADY_EXISTS if the id is in use; INVALID_ARGUMENT for an invalid setting; FAILED_PRECONDITION for a floor that the workers
   * cannot promise.
   */
  async register(
    id: string,
    settings: CameraSettings,
    call: CallSettings & UncheckedClasses & Warnings = {},
  ): Promise<Camera> {
    const request = { cameraId: id, camera: cameraOfSettings(settings) };
    const response = await this.#call((client) => client.registerCamera, request, call);
    tellUnchecked(call, response.uncheckedClasses);
    if (response.warnings.length > 0) call.onWarnings?.(response.warnings);
    return present(response.camera);
  }

  /** Returns a camera with its status. NOT_FOUND if there is none. */
  async get(id: string, call: CallSettings = {}): Promise<Camera> {
    const response = await this.#call((client) => client.getCamera, { name: cameraName(id) }, call);
    return present(response.camera);
  }

  /** The classes that a camera's model knows; empty while no worker serves it. NOT_FOUND if there is no such camera. */
  async modelClasses(id: string, call: CallSettings = {}): Promise<string[]> {
    const response = await this.#call((client) => client.getCamera, { name: cameraName(id) }, call);
    return response.modelClasses;
  }

  /** Iterates over all cameras, sorted by name, or over those that have all of `labels` (each `key=value`). It gets page after page. */
  async *list(
    call: CallSettings & { pageSize?: number; labels?: readonly string[] | undefined } = {},
  ): AsyncGenerator<Camera, void> {
    const asked = { pageSize: call.pageSize ?? 0, labels: [...(call.labels ?? [])] };
    for await (const { cameras } of pages(asked, (request) =>
      this.#call((client) => client.listCameras, request, call),
    ))
      yield* cameras;
  }

  /**
   * Changes only the given settings. With an `etag`, ABORTED if the camera has changed since; FAILED_PRECONDITION for a floor that the workers
   * cannot promise.
   */
  async update(
    id: string,
    settings: Partial<CameraSettings>,
    call: CallSettings & UncheckedClasses & Warnings & { etag?: string } = {},
  ): Promise<Camera> {
    const camera = { ...cameraOfSettings(settings), name: cameraName(id), etag: call.etag ?? "" };
    const request = { camera, updateMask: cameraPathsOf(settings) };
    const response = await this.#call((client) => client.updateCamera, request, call);
    tellUnchecked(call, response.uncheckedClasses);
    if (response.warnings.length > 0) call.onWarnings?.(response.warnings);
    return present(response.camera);
  }

  /** Removes a camera. NOT_FOUND if there is none. */
  async delete(id: string, call: CallSettings = {}): Promise<void> {
    await this.#call((client) => client.deleteCamera, { name: cameraName(id) }, call);
  }

  /**
   * Deletes the stored data of a camera, registered or not; all of it or a range of time: events that began in the range, their pictures, detections of
   * frames captured in it, and recordings that are wholly in it. For a registered camera, detections of the last seconds stay. UNAVAILABLE if some recordings could not be deleted; everything else is deleted then.
   */
  async forget(
    id: string,
    query: CallSettings & { from?: Date | undefined; to?: Date | undefined } = {},
  ): Promise<{ events: number; pictures: number; frames: number; segments: number; bytes: number }> {
    const { from, to } = query;
    const times = { startTime: from && toTime(from, "from"), endTime: to && toTime(to, "to") };
    const request = { name: cameraName(id), ...times };
    const settings = { ...query, deadlineMs: forgetDeadlineMs };
    const answer = await this.#call((client) => client.deleteCameraData, request, settings);
    return {
      events: answer.deletedEvents,
      pictures: answer.deletedPictures,
      frames: answer.deletedFrames,
      segments: answer.deletedSegments,
      bytes: answer.deletedBytes,
    };
  }

  /**
   * The newest analysed picture of a camera as JPEG; with `annotated` the detections are drawn into it. NOT_FOUND if there
   * is no such camera; UNAVAILABLE if it gives no picture now. It has the camera's own resolution if possible;
   * with `modelFrame` it is the frame as the model saw it.
   */
  async snapshot(
    id: string,
    call: CallSettings & { annotated?: boolean; modelFrame?: boolean } = {},
  ): Promise<Snapshot> {
    const { annotated = false, modelFrame = false } = call;
    const request = { name: cameraName(id), annotated, modelFrame };
    const answer = await this.#call((client) => client.getCameraSnapshot, request, call);
    return { jpeg: answer.content, frame: answer.frame ?? FrameReference.create() };
  }

  /**
   * Every camera in its present state, then each change of registration or status, until aborted. It does not reconnect
   * automatically: UNAVAILABLE if the server goes away. A new watch begins with every camera.
   */
  async *watch({ signal, onOpen }: WatchOptions = {}): AsyncGenerator<CameraChange, void> {
    const changes = this.#connection.stream(CameraServiceClient, (client) => client.watchCameras({}), {
      sources: [this.#connection.closing, signal],
      onHeaders: () => onOpen?.(),
    });
    for await (const { change, camera } of changes) {
      const kind = changeKinds[change];
      if (kind && camera) yield { kind, camera };
    }
  }

  #call<Request, Response>(
    method: (client: CameraServiceClient) => UnaryMethod<Request, Response>,
    request: Request,
    call: CallSettings & { deadlineMs?: number },
  ): Promise<Response> {
    return this.#connection.call(CameraServiceClient, method, request, call);
  }
}

/** A camera may have much stored data. */
const forgetDeadlineMs = 10 * 60_000;

function present(camera: Camera | undefined): Camera {
  if (!camera) throw new SightlineError("INTERNAL", "the server's answer has no camera");
  return camera;
}

/** A JPEG and the frame that it shows. */
export interface Snapshot {
  jpeg: Uint8Array;
  frame: FrameReference;
}
