import type { Retention } from "@sightline/contracts";
import {
  type Lifecycle,
  type Logger,
  type Nats,
  PictureClient,
  RecentDetections,
  SnapshotStore,
} from "@sightline/service";
import { Gauge, type Registry } from "prom-client";
import type { RecordingHolders } from "../recordings/recording-holders.ts";
import { AwaitedSnapshots } from "./awaited-snapshots.ts";
import { CameraSnapshots } from "./camera-snapshots.ts";
import { EventSnapshots } from "./event-snapshots.ts";
import { RecordedPictures } from "./recorded-pictures.ts";

/** What the rest of the service uses of pictures. */
export interface SnapshotParts {
  pictures: PictureClient;
  /** Must get every frame in order, and every removed camera. */
  recentDetections: RecentDetections;
  store: SnapshotStore;
  cameraSnapshots: CameraSnapshots;
  eventSnapshots: EventSnapshots;
}

/**
 * Starts storing and serving pictures of events; the analysis takes them. Its parts are stopped through `life`.
 * @param requireCamera throws the error for a camera that is not registered
 */
export async function startSnapshots(
  nats: Nats,
  retention: Retention,
  requireCamera: (camera: string) => unknown,
  holders: RecordingHolders,
  registry: Registry,
  log: Logger,
  life: Lifecycle,
): Promise<SnapshotParts> {
  const bytes = new Gauge({
    name: "sightline_snapshots_bytes",
    help: "Bytes of all stored pictures of events.",
    registers: [registry],
  });
  const pictures = new PictureClient(nats);
  const recentDetections = new RecentDetections();
  const store = await SnapshotStore.open(nats, retention);
  life.add(new SnapshotSweeper(store, (kept) => bytes.set(kept), log)).start();
  return {
    pictures,
    recentDetections,
    store,
    cameraSnapshots: new CameraSnapshots(pictures, recentDetections, requireCamera),
    eventSnapshots: new EventSnapshots(
      new AwaitedSnapshots(nats, store),
      new RecordedPictures(nats, holders, store, log),
    ),
  };
}

const pauseMs = 10_000;

/** Keeps the snapshots within their byte limit, deleting the oldest first. */
export class SnapshotSweeper {
  readonly #store: SnapshotStore;
  readonly #observe: (bytes: number) => void;
  readonly #log: Logger;
  #timer: NodeJS.Timeout | undefined;
  #sweep: Promise<void> | undefined;
  #stopped = false;

  /** `observe` gets the bytes in use after each sweep. */
  constructor(store: SnapshotStore, observe: (bytes: number) => void, log: Logger) {
    this.#store = store;
    this.#observe = observe;
    this.#log = log;
  }

  start(): void {
    this.#sweep = this.#once();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#sweep;
  }

  async #once(): Promise<void> {
    try {
      this.#observe(await this.#store.sweep());
    } catch (error) {
      this.#log.debug({ err: error }, "old snapshots could not be deleted yet; trying again");
    }
    if (!this.#stopped) this.#timer = setTimeout(() => this.start(), pauseMs);
  }
}
