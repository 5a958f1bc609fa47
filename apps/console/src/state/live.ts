import { signal } from "@preact/signals";
import type { HttpEvent, HttpSample, LiveMessage } from "@sightline/contracts";
import { LiveConnection } from "../api/live-connection.ts";
import { drawPictures } from "../live/picture-painter.ts";
import { WatchList } from "../live/watch-list.ts";
import { refreshAuth } from "./auth.ts";
import { removeCameraState, replaceCameras, setRules, updateCameraState } from "./cameras.ts";

/** `connecting` only before the first connection. */
export const connection = signal<"connecting" | "open" | "lost">("connecting");

/** Grows with each connection: data fetched before may be out of date. */
export const connectionCount = signal(0);

type Listener<T> = (value: T) => void;
const eventListeners = new Set<Listener<HttpEvent>>();
/** An event whose review has changed; null means not reviewed. */
export type Reviewed = Extract<LiveMessage, { type: "review" }>;
const reviewListeners = new Set<Listener<Reviewed>>();
const sampleListeners = new Set<Listener<Readonly<Record<string, HttpSample>>>>();

const live = new LiveConnection({
  onOpen() {
    connection.value = "open";
    connectionCount.value++;
    watchList.resend();
  },
  onLost() {
    connection.value = "lost";
    // The server may have closed the connection because the login has ended or changed.
    void refreshAuth();
  },
  onMessage: receive,
  onPicture(picture) {
    drawPictures.receive(picture);
  },
});

/** The cameras whose pictures the page requests from the server. */
export const watchList = new WatchList((cameras) => live.send({ type: "watch", cameras }));

/** Connects to the server and stays connected until `stopLive`. */
export function startLive(): void {
  drawPictures.onDone = (camera) => live.send({ type: "drawn", camera });
  drawPictures.onPace = (framesPerSecond) => watchList.interfacePace(framesPerSecond);
  live.start();
}

export function stopLive(): void {
  live.stop();
}

/** Calls `listener` with each event message until the returned function is called. */
export function onEvent(listener: Listener<HttpEvent>): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

/** Calls `listener` whenever an event's review changes, until the returned function is called. */
export function onReview(listener: Listener<Reviewed>): () => void {
  reviewListeners.add(listener);
  return () => reviewListeners.delete(listener);
}

/** Calls `listener` with each second's samples until the returned function is called. */
export function onSamples(listener: Listener<Readonly<Record<string, HttpSample>>>): () => void {
  sampleListeners.add(listener);
  return () => sampleListeners.delete(listener);
}

function receive(message: LiveMessage): void {
  switch (message.type) {
    case "cameras":
      replaceCameras(message.cameras);
      return;
    case "camera":
      updateCameraState(message.camera);
      return;
    case "cameraRemoved":
      removeCameraState(message.id);
      return;
    case "rules":
      setRules(message.camera, message.rules);
      return;
    case "event":
      for (const listener of eventListeners) listener(message.event);
      return;
    case "review":
      for (const listener of reviewListeners) listener(message);
      return;
    case "samples":
      for (const listener of sampleListeners) listener(message.samples);
      return;
    case "error":
      console.warn(`The server did not accept a live request: ${message.message} (${message.code})`);
  }
}
