import { CameraReason, CameraState, CameraStatus, noMomentaryStatus } from "@sightline/contracts";
import type { KvMirror } from "./kv-mirror.ts";

/** A live camera's counters change all the time, so its status is written every second. */
const silenceMs = 5_000;

type Listener = (id: string) => void;

/**
 * Status of cameras, as ingest reports it. If a camera was live and ingest has reported nothing for 5 s, it is shown as pending: its ingest
 * has gone, and so have its frames.
 */
export class CameraStatusView {
  readonly #mirror: KvMirror<CameraStatus>;
  readonly #heardAt = new Map<string, number>();
  readonly #silent = new Set<string>();
  readonly #listeners = new Set<Listener>();
  readonly #sweeper: NodeJS.Timeout;
  readonly #unsubscribe: () => void;

  constructor(mirror: KvMirror<CameraStatus>) {
    this.#mirror = mirror;
    this.#unsubscribe = mirror.onChange(({ key, value }) => {
      this.#silent.delete(key);
      if (value) this.#heardAt.set(key, performance.now());
      else this.#heardAt.delete(key);
      this.#tell(key);
    });
    this.#sweeper = setInterval(() => this.#sweep(), 1_000);
  }

  /** The status of a camera; undefined when no ingest has reported one. */
  find(id: string): CameraStatus | undefined {
    const status = this.#mirror.get(id);
    if (!status || !this.#silent.has(id)) return status;
    return {
      ...status,
      state: CameraState.PENDING,
      reason: CameraReason.UNSPECIFIED,
      message: `ingest '${status.ingest}' has been silent for more than ${silenceMs / 1000} s; another will take the camera`,
      ...noMomentaryStatus,
    };
  }

  /** Calls `listener` with a camera's id whenever its status changes. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeper);
    this.#unsubscribe();
  }

  #sweep(): void {
    const oldest = performance.now() - silenceMs;
    for (const [id, heardAt] of this.#heardAt)
      if (heardAt < oldest && !this.#silent.has(id) && this.#mirror.get(id)?.state === CameraState.LIVE) {
        this.#silent.add(id);
        this.#tell(id);
      }
  }

  #tell(id: string): void {
    for (const listener of this.#listeners) listener(id);
  }
}

/** Reads a status entry. @throws when the bytes are not a CameraStatus */
export function decodeStatus(data: Uint8Array): CameraStatus {
  return CameraStatus.decode(data);
}
