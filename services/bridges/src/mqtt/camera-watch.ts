import {
  type Camera,
  CameraState,
  cameraIdOf,
  type SightlineClient,
  SightlineError,
} from "@sightline/client";
import { Backoff } from "@sightline/contracts";
import { type Logger, pause } from "@sightline/service";

const retryRange = { firstMs: 200, mostMs: 5_000 };

/** The state of a camera. */
export interface CameraNews {
  live: boolean;
  captureFps: number;
  inferenceFps: number;
}

/** Keeps track of which cameras exist and whether they are live. */
export class CameraWatch {
  readonly cameras = new Map<string, CameraNews>();
  readonly #client: SightlineClient;
  readonly #log: Logger;
  readonly #onNews: (camera: string) => void;
  readonly #onRemoved: (camera: string) => void;

  constructor(
    client: SightlineClient,
    log: Logger,
    onNews: (camera: string) => void,
    onRemoved: (camera: string) => void,
  ) {
    this.#client = client;
    this.#log = log;
    this.#onNews = onNews;
    this.#onRemoved = onRemoved;
  }

  /** Watches until aborted; while the server cannot be reached, the last known state stays. */
  async run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(retryRange);
    while (!signal.aborted) {
      try {
        await this.#removeGone([...this.cameras.keys()], signal);
        for await (const { kind, camera } of this.#client.cameras.watch({ signal })) {
          backoff.reset();
          if (kind === "deleted") this.#remove(cameraIdOf(camera.name));
          else this.#note(camera);
        }
      } catch (error) {
        if (signal.aborted) return;
        this.#log.debug({ err: SightlineError.from(error) }, "cannot watch the cameras; trying again");
      }
      await pause(backoff.fail(), signal);
    }
  }

  /** Reports which of these cameras no longer exist, once the server lists the existing ones. */
  async removeGone(cameras: readonly string[], signal: AbortSignal): Promise<void> {
    const backoff = new Backoff(retryRange);
    while (cameras.length > 0 && !signal.aborted)
      try {
        return await this.#removeGone(cameras, signal);
      } catch {
        await pause(backoff.fail(), signal);
      }
  }

  /** A watch begins with the existing cameras: it does not report cameras that were deleted earlier. */
  async #removeGone(cameras: readonly string[], signal: AbortSignal): Promise<void> {
    const there = new Set<string>();
    for await (const { name } of this.#client.cameras.list({ signal })) there.add(cameraIdOf(name) ?? "");
    for (const camera of cameras)
      if (!there.has(camera)) {
        this.cameras.delete(camera);
        this.#onRemoved(camera);
      }
  }

  #note({ name, status }: Camera): void {
    const camera = cameraIdOf(name);
    if (camera === undefined) return;
    const { state, captureFps = 0, inferenceFps = 0 } = status ?? {};
    this.cameras.set(camera, { live: state === CameraState.LIVE, captureFps, inferenceFps });
    this.#onNews(camera);
  }

  #remove(camera: string | undefined): void {
    if (camera !== undefined && this.cameras.delete(camera)) this.#onRemoved(camera);
  }
}
