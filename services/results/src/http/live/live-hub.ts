import {
  type Camera,
  cameraIdOf,
  type Event,
  type EventReview,
  type FrameDetections,
  type LiveMessage,
} from "@sightline/contracts";
import { WatchCamerasResponse_Change as Change, toHttpEvent, toHttpReview } from "@sightline/contracts/api";
import { formatRules } from "@sightline/rules";
import type { PictureClient } from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";
import { Counter, Gauge, type Registry } from "prom-client";
import type { CameraScope } from "../../access/camera-scope.ts";
import type { CameraWatcher, CameraWatchers } from "../../cameras/camera-watchers.ts";
import { SharedPictures } from "../../pictures/shared-pictures.ts";
import type { RulesRegistry } from "../../rules/rules-registry.ts";
import type { CameraView } from "../camera-view.ts";
import type { SeriesStore } from "../series/series-store.ts";
import { LiveSocket, type LiveTransport } from "./live-socket.ts";

/** Delay after the start of a second, so that the second before is sent. */
const afterTurnMs = 20;

export interface LiveParts {
  cameraWatchers: CameraWatchers;
  rules: RulesRegistry;
  series: SeriesStore;
  view: CameraView;
  pictures: PictureClient;
  metrics: LiveMetrics;
}

/**
 * Sends all cameras, rules, events and samples to every browser, and to each the pictures that it wants. A message is created once for all
 * browsers, and only if there is a browser.
 */
export class LiveHub {
  readonly #parts: LiveParts;
  readonly #pictures: SharedPictures;
  /** Browsers by scope: messages for one scope are created once. */
  readonly #scopes = new Map<string, { scope: CameraScope; sockets: Set<LiveSocket> }>();
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
    this.#watcher = parts.cameraWatchers.watch((change, camera) => {
      this.#changed(change, camera);
      return true;
    });
    this.#unsubscribe = parts.rules.onChange((camera) => {
      for (const socket of this.#seeing(camera)) this.#tellRules(socket, camera);
    });
    this.#scheduleSamples();
  }

  /** Present number of browsers. */
  get size(): number {
    return [...this.#scopes.values()].reduce((sum, { sockets }) => sum + sockets.size, 0);
  }

  /** Begins to serve a browser, with everything known about the cameras that it sees. */
  add(transport: LiveTransport, scope: CameraScope): LiveSocket {
    const socket = new LiveSocket(transport, scope, this.#pictures, () => this.#parts.metrics.pictureSent());
    const group = this.#scopes.get(scope.key) ?? { scope, sockets: new Set() };
    this.#scopes.set(scope.key, group);
    group.sockets.add(socket);
    socket.state("cameras", () => this.#allCameras(scope));
    for (const camera of this.#cameras.keys()) if (scope.sees(camera)) this.#tellRules(socket, camera);
    return socket;
  }

  remove(socket: LiveSocket): void {
    const { key } = socket.scope;
    const group = this.#scopes.get(key);
    if (group?.sockets.delete(socket) && group.sockets.size === 0) this.#scopes.delete(key);
    socket.close();
  }

  /** A frame's detections have been delivered to subscribers. */
  frame(event: FrameDetections): void {
    // A socket cannot watch cameras that it does not see, so it has no pictures of them.
    for (const { sockets } of this.#scopes.values()) for (const socket of sockets) socket.frame(event);
  }

  /** An event has been delivered to subscribers. */
  event(event: Event): void {
    if (this.#scopes.size === 0) return;
    const shown = toHttpEvent(event);
    let message: string | undefined;
    for (const socket of this.#seeing(shown.camera)) {
      message ??= encode({ type: "event", event: shown });
      socket.event(message);
    }
  }

  /** An event was marked as reviewed or, without a review, as not reviewed. */
  review({ camera, id }: { camera: string; id: string }, review: EventReview | undefined): void {
    const shown = review ? toHttpReview(review) : null;
    const message = encode({ type: "review", camera, id, review: shown });
    for (const socket of this.#seeing(camera)) socket.event(message);
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#parts.cameraWatchers.unwatch(this.#watcher);
    for (const socket of [...this.#all()]) this.remove(socket);
  }

  #changed(change: Change, camera: Camera): void {
    const id = cameraIdOf(camera.name);
    if (id === undefined) return;
    if (change === Change.DELETED) this.#cameras.delete(id);
    else this.#cameras.set(id, { camera, message: undefined });
    for (const socket of this.#seeing(id)) socket.state(`camera/${id}`, () => this.#cameraMessage(id));
  }

  /** Browsers that see the camera with this id. */
  *#seeing(camera: string): Generator<LiveSocket, void> {
    for (const { scope, sockets } of this.#scopes.values()) if (scope.sees(camera)) yield* sockets;
  }

  *#all(): Generator<LiveSocket, void> {
    for (const { sockets } of this.#scopes.values()) yield* sockets;
  }

  #tellRules(socket: LiveSocket, camera: string): void {
    // The rules of a removed camera are removed with it.
    if (!this.#cameras.has(camera)) return;
    socket.state(`rules/${camera}`, () =>
      encode({ type: "rules", camera, rules: formatRules(this.#parts.rules.find(camera)) }),
    );
  }

  #allCameras(scope: CameraScope): string {
    const seen = [...this.#cameras].filter(([id]) => scope.sees(id));
    const cameras = seen.map(([, { camera }]) => this.#parts.view.show(camera));
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
    this.#pictures.retain(new Set([...this.#all()].flatMap((socket) => [...socket.watched()])));
    if (this.#scopes.size === 0) return;
    const newest = Object.entries(this.#parts.series.newest());
    for (const { scope, sockets } of this.#scopes.values()) {
      const samples = Object.fromEntries(newest.filter(([camera]) => scope.sees(camera)));
      const message = encode({ type: "samples", samples });
      for (const socket of sockets) socket.state("samples", () => message);
    }
  }
}

function encode(message: LiveMessage): string {
  return JSON.stringify(message);
}

/** Metrics of the live WebSocket. */
export class LiveMetrics {
  readonly #asked: Counter;
  readonly #sent: Counter;

  constructor(registry: Registry, sockets: () => number) {
    const registers = [registry];
    new Gauge({
      name: "sightline_live_sockets",
      help: "Browsers that are connected now to get live changes.",
      registers,
      collect() {
        this.set(sockets());
      },
    });
    this.#asked = new Counter({
      name: "sightline_live_pictures_requested_total",
      help: "Pictures requested from ingest for browsers. One picture may go to several browsers.",
      registers,
    });
    this.#sent = new Counter({
      name: "sightline_live_pictures_sent_total",
      help: "Pictures sent to browsers.",
      registers,
    });
  }

  pictureAsked(): void {
    this.#asked.inc();
  }

  pictureSent(): void {
    this.#sent.inc();
  }
}
