import type { Retention } from "@sightline/contracts";
import type { Lifecycle, Logger, Nats } from "@sightline/service";
import type { Registry } from "prom-client";
import { PictureClient } from "../pictures/picture-client.ts";
import type { RecordingHolders } from "../recordings/recording-holders.ts";
import { AwaitedSnapshots } from "./awaited-snapshots.ts";
import { CameraSnapshots } from "./camera-snapshots.ts";
import { EventSnapshots } from "./event-snapshots.ts";
import { RecentDetections } from "./recent-detections.ts";
import { RecordedPictures } from "./recorded-pictures.ts";
import { SnapshotClaims } from "./snapshot-claims.ts";
import { SnapshotMetrics } from "./snapshot-metrics.ts";
import { SnapshotStore } from "./snapshot-store.ts";
import { SnapshotSweeper } from "./snapshot-sweeper.ts";
import { SnapshotTaker } from "./snapshot-taker.ts";

/** What the rest of the service uses of pictures. */
export interface SnapshotParts {
  /** To be offered every event that this process publishes. */
  taker: SnapshotTaker;
  /** To be asked about every event before it is published. */
  claims: SnapshotClaims;
  pictures: PictureClient;
  /** To be told of every frame in its turn, and of cameras that are removed. */
  recentDetections: RecentDetections;
  store: SnapshotStore;
  cameraSnapshots: CameraSnapshots;
  eventSnapshots: EventSnapshots;
}

/**
 * Starts taking and keeping pictures of events; its parts are stopped through `life`.
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
  const metrics = new SnapshotMetrics(registry);
  const pictures = new PictureClient(nats);
  const recentDetections = new RecentDetections();
  const store = await SnapshotStore.open(nats, retention);
  life.add(new SnapshotSweeper(store, (bytes) => metrics.bytes(bytes), log)).start();
  const taken = (failure: Parameters<typeof metrics.taken>[0]) => metrics.taken(failure);
  const taker = life.add(new SnapshotTaker(pictures, store, recentDetections, taken, log));
  return {
    taker,
    claims: new SnapshotClaims(taker, store, log),
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
