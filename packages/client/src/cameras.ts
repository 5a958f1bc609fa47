import {
  type Camera,
  Camera as CameraMessage,
  type CameraServiceClient,
  WatchCamerasResponse_Change as Change,
  cameraName,
  Transport,
} from "@sightline/contracts";
import { type StreamConnections, type StreamOptions, stream, unary } from "./calls.ts";
import { SightlineError } from "./errors.ts";

/** Settings of a camera that a user may choose. */
export interface CameraSettings {
  /** rtsp:// or rtsps:// URL; user and password in it are stored apart and never returned. */
  uri: string;
  /** How RTP travels; TCP unless given. */
  transport?: "tcp" | "udp";
  /** Frames per second to analyse, at most; 0 takes every frame. */
  targetFps?: number;
  /** Model name; the system's default unless given. */
  model?: string;
  /** Detections below this score (0..1) are not made; 0 is the model's default. */
  minScore?: number;
  /** Class names to detect; empty means all. */
  classes?: readonly string[];
}

export interface CallSettings {
  signal?: AbortSignal;
}

export type CameraChangeKind = "existing" | "registered" | "updated" | "status" | "deleted";

/** One news about a camera; of a deleted one only the name is set. */
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

/** The registry of cameras. Cameras are named by their id, such as `front`. Every method throws SightlineError. */
export class Cameras {
  readonly #client: CameraServiceClient;
  readonly #watching: StreamConnections<CameraServiceClient>;

  constructor(client: CameraServiceClient, watching: StreamConnections<CameraServiceClient>) {
    this.#client = client;
    this.#watching = watching;
  }

  /** Registers a camera; ALREADY_EXISTS when the id is taken, INVALID_ARGUMENT for a setting that cannot be. */
  async register(id: string, settings: CameraSettings, call: CallSettings = {}): Promise<Camera> {
    const request = { cameraId: id, camera: toMessage(settings) };
    const response = await unary(this.#client, this.#client.registerCamera, request, call.signal);
    return present(response.camera);
  }

  /** Returns a camera with its status; NOT_FOUND when there is none. */
  async get(id: string, call: CallSettings = {}): Promise<Camera> {
    const response = await unary(this.#client, this.#client.getCamera, { name: cameraName(id) }, call.signal);
    return present(response.camera);
  }

  /** Iterates over all cameras by name, fetching page after page. */
  async *list(call: CallSettings & { pageSize?: number } = {}): AsyncGenerator<Camera, void> {
    const pageSize = call.pageSize ?? 0;
    let pageToken = "";
    do {
      const request = { pageSize, pageToken };
      const page = await unary(this.#client, this.#client.listCameras, request, call.signal);
      yield* page.cameras;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Changes the given settings and no other. With an `etag` it is ABORTED when the camera has changed since. */
  async update(
    id: string,
    settings: Partial<CameraSettings>,
    call: CallSettings & { etag?: string } = {},
  ): Promise<Camera> {
    const camera = { ...toMessage(settings), name: cameraName(id), etag: call.etag ?? "" };
    const updateMask = (Object.keys(settings) as (keyof CameraSettings)[])
      .filter((key) => settings[key] !== undefined)
      .map((key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`));
    const response = await unary(
      this.#client,
      this.#client.updateCamera,
      { camera, updateMask },
      call.signal,
    );
    return present(response.camera);
  }

  /** Removes a camera; NOT_FOUND when there is none. */
  async delete(id: string, call: CallSettings = {}): Promise<void> {
    await unary(this.#client, this.#client.deleteCamera, { name: cameraName(id) }, call.signal);
  }

  /** Every camera as it is now, then each change of registration or status, until aborted. */
  async *watch(options: StreamOptions = {}): AsyncGenerator<CameraChange, void> {
    const changes = stream(this.#watching, (client) => client.watchCameras({}), options);
    for await (const { change, camera } of changes) {
      const kind = changeKinds[change];
      if (kind && camera) yield { kind, camera };
    }
  }
}

function toMessage(settings: Partial<CameraSettings>): Camera {
  const { transport, classes, ...rest } = settings;
  return CameraMessage.fromPartial({
    ...rest,
    transport: transport && { tcp: Transport.TCP, udp: Transport.UDP }[transport],
    classes: classes && [...classes],
  });
}

function present(camera: Camera | undefined): Camera {
  if (!camera) throw new SightlineError("INTERNAL", "the server's answer has no camera");
  return camera;
}
