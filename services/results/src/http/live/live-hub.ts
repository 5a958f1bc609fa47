import {
  type Camera,
  WatchCamerasResponse_Change as Change,
  cameraIdOf,
  type Event,
  type FrameDetections,
  type LiveMessage,
  toHttpEvent,
} from "@sightline/contracts";
import { formatRules } from "@sightline/rules";
import { wallClockMs } from "@sightline/service/clock";
import type { CameraFeed, CameraWatcher } from "../../cameras/camera-feed.ts";
import type { PictureClient } from "../../pictures/picture-client.ts";
import { SharedPictures } from "../../pictures/shared-pictures.ts";
import type { RulesRegistry } from "../../rules/rules-registry.ts";
import type { CameraView } from "../camera-view.ts";
import type { SeriesStore } from "../series/series-store.ts";
import type { LiveMetrics } from "./live-metrics.ts";
import { LiveSocket, type LiveTransport } from "./live-socket.ts";

/** After the turn of a second, so that it is the second before that is sent. */
const afterTurnMs = 20;

export interface LiveParts {
  feed: CameraFeed;
  rules: RulesRegistry;
  series: SeriesStore;
  view: CameraView;
  pictures: PictureClient;
  metrics: LiveMetrics;
}

/**
 * Tells every browser of all cameras, rules, events and samples, and sends the pictures that each wants. A message is
 * made once for all of them, and only when there is one.
 */
export class LiveHub {
  readonly #parts: LiveParts;
  readonly #pictures: SharedPictures;
  readonly #sockets = new Set<LiveSocket>();
  readonly #cameras = new Map<string, { camera: Camera; message: string | undefined }>();
  readonly #watcher: CameraWatcher;
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LiveParts) {
    this.#parts = parts;
    this.#pictures = new SharedPictures((camera, request) => {
      parts.metrics.pictureAsked();
      return parts.pictures.get(camera, request);
    });
    this.#watcher = parts.feed.watch((change, camera) => {
      this.#changed(change, camera);
      return true;
    });
    this.#unsubscribe = parts.rules.onChange((camera) => {
      for (const socket of this.#sockets) this.#tellRules(socket, camera);
    });
    this.#scheduleSamples();
  }

  /** Browsers now. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Begins to serve a browser, with all that is known. */
  add(transport: LiveTransport): LiveSocket {
    const socket = new LiveSocket(transport, this.#pictures, () => this.#parts.metrics.pictureSent());
    this.#sockets.add(socket);
    socket.state("cameras", () => this.#allCameras());
    for (const camera of this.#cameras.keys()) this.#tellRules(socket, camera);
    return socket;
  }

  remove(socket: LiveSocket): void {
    this.#sockets.delete(socket);
    socket.close();
  }

  /** A frame's detections go to subscribers. */
  frame(event: FrameDetections): void {
    for (const socket of this.#sockets) socket.frame(event);
  }

  /** An event goes to subscribers. */
  event(event: Event): void {
    if (this.#sockets.size === 0) return;
    const message = encode({ type: "event", event: toHttpEvent(event) });
    for (const socket of this.#sockets) socket.event(message);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#parts.feed.unwatch(this.#watcher);
    for (const socket of [...this.#sockets]) this.remove(socket);
  }

  #changed(change: Change, camera: Camera): void {
    const id = cameraIdOf(camera.name);
    if (id === undefined) return;
    if (change === Change.DELETED) this.#cameras.delete(id);
    else this.#cameras.set(id, { camera, message: undefined });
    for (const socket of this.#sockets) socket.state(`camera/${id}`, () => this.#cameraMessage(id));
  }

  #tellRules(socket: LiveSocket, camera: string): void {
    // Those of a removed camera go with it.
    if (!this.#cameras.has(camera)) return;
    socket.state(`rules/${camera}`, () =>
      encode({ type: "rules", camera, rules: formatRules(this.#parts.rules.find(camera)) }),
    );
  }

  #allCameras(): string {
    const cameras = [...this.#cameras.values()].map(({ camera }) => this.#parts.view.show(camera));
    return encode({ type: "cameras", cameras });
  }

  #cameraMessage(id: string): string {
    const known = this.#cameras.get(id);
    if (!known) return encode({ type: "cameraRemoved", id });
    known.message ??= encode({ type: "camera", camera: this.#parts.view.show(known.camera) });
    return known.message;
  }

  #scheduleSamples(): void {
    const now = wallClockMs();
    this.#timer = setTimeout(
      () => {
        this.#sendSamples();
        this.#scheduleSamples();
      },
      1000 - (now % 1000) + afterTurnMs,
    );
  }

  #sendSamples(): void {
    this.#pictures.retain(new Set([...this.#sockets].flatMap((socket) => [...socket.watched()])));
    if (this.#sockets.size === 0) return;
    const message = encode({ type: "samples", samples: this.#parts.series.newest() });
    for (const socket of this.#sockets) socket.state("samples", () => message);
  }
}

function encode(message: LiveMessage): string {
  return JSON.stringify(message);
}
