import {
  cameraIdOf,
  type FrameDetections,
  type LiveMessage,
  liveRequestSchema,
  parseJson,
} from "@sightline/contracts";
import { PictureError } from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";
import type { CameraScope } from "../../access/camera-scope.ts";
import type { ApiErrorCode } from "../../errors.ts";
import type { SharedPictures } from "../../pictures/shared-pictures.ts";
import { encodePictureMessage } from "./picture-message.ts";
import { PictureWatch } from "./picture-watch.ts";

/** The part of a `ws` WebSocket that is used here. */
export interface LiveTransport {
  readonly bufferedAmount: number;
  send(data: string | Buffer, sent: (error?: Error) => void): void;
}

/** Above this many waiting bytes nothing more is sent; the newest state is sent when there is room. */
const highWaterBytes = 256 * 1024;
/** Events kept for a slow socket; the list of events has all of them. */
const maxEvents = 256;

/**
 * One browser. For everything with a state (cameras, rules, samples, pictures), a slow browser gets the newest state when it can take it;
 * events are kept up to a limit. Memory per socket is limited in all cases.
 */
export class LiveSocket {
  /** Cameras that it sees: it gets no messages and pictures of others. */
  readonly scope: CameraScope;
  readonly #transport: LiveTransport;
  readonly #pictures: SharedPictures;
  readonly #pictureSent: () => void;
  readonly #watches = new Map<string, PictureWatch>();
  /** States to send, by a key; a newer state with the same key replaces the old one. Each is created when it is sent. */
  readonly #states = new Map<string, () => string>();
  #events: string[] = [];
  #closed = false;

  /** `pictureSent` is called for each picture sent to the browser. */
  constructor(
    transport: LiveTransport,
    scope: CameraScope,
    pictures: SharedPictures,
    pictureSent: () => void,
  ) {
    this.scope = scope;
    this.#transport = transport;
    this.#pictures = pictures;
    this.#pictureSent = pictureSent;
  }

  /** Cameras whose pictures the browser wants. */
  watched(): Iterable<string> {
    return this.#watches.keys();
  }

  /** Sends a state when there is room; until then, a newer one with the same key replaces it. */
  state(key: string, message: () => string): void {
    this.#states.set(key, message);
    this.#flush();
  }

  event(message: string): void {
    this.#events.push(message);
    if (this.#events.length > maxEvents) this.#events.shift();
    this.#flush();
  }

  /** A frame of any camera has arrived. */
  frame(event: FrameDetections): void {
    const watch = this.#watches.get(cameraIdOf(event.frame?.camera ?? "") ?? "");
    if (watch) void this.#sendPicture(watch, event);
  }

  /** Handles a message from the browser. `text` is undefined for a binary message. */
  receive(text: string | undefined): void {
    const request = liveRequestSchema.safeParse(parse(text));
    if (!request.success) {
      this.#fault("invalid_argument", "expected a message of type 'watch' or 'drawn'; see docs/http-api.md");
      return;
    }
    if (request.data.type === "watch") this.#watch(request.data.cameras);
    else {
      const watch = this.#watches.get(request.data.camera);
      const missed = watch?.drawn();
      if (watch && missed) void this.#sendPicture(watch, missed);
    }
  }

  close(): void {
    this.#closed = true;
    this.#watches.clear();
    this.#states.clear();
    this.#events = [];
  }

  #watch(cameras: readonly { id: string; width: number; maxFps: number }[]): void {
    const seen = cameras.filter(({ id }) => this.scope.sees(id));
    const wanted = new Map(seen.map((camera) => [camera.id, camera]));
    for (const id of [...this.#watches.keys()]) if (!wanted.has(id)) this.#watches.delete(id);
    for (const { id, width, maxFps } of wanted.values()) {
      const watch = this.#watches.get(id) ?? new PictureWatch(width, maxFps);
      watch.width = width;
      watch.maxFps = maxFps;
      this.#watches.set(id, watch);
    }
  }

  async #sendPicture(watch: PictureWatch, event: FrameDetections): Promise<void> {
    const { frame } = event;
    const camera = cameraIdOf(frame?.camera ?? "");
    if (!frame || camera === undefined || this.#transport.bufferedAmount > highWaterBytes) return;
    if (!watch.admit(event, performance.now())) return;
    const { epoch, number } = frame;
    let sent = false;
    try {
      const picture = await this.#pictures.frame({ camera, epoch, number }, watch.width);
      // Meanwhile the browser may have gone, selected other cameras, or received a newer picture.
      if (!picture || this.#closed || this.#watches.get(camera) !== watch) return;
      if (this.#transport.bufferedAmount > highWaterBytes || !watch.advance(epoch, number)) return;
      const now = wallClockMs();
      this.#send(encodePictureMessage(event, picture.jpeg, now));
      sent = true;
      this.#pictureSent();
    } catch (error) {
      // A frame without a picture is skipped: the next one comes soon, and the camera's findings say what is wrong.
      if (!(error instanceof PictureError)) throw error;
    } finally {
      if (!sent) watch.drawn();
    }
  }

  #fault(code: ApiErrorCode, message: string): void {
    const fault: LiveMessage = { type: "error", code, message };
    this.state("error", () => JSON.stringify(fault));
  }

  #flush(): void {
    for (const [key, message] of this.#states) {
      if (this.#blocked()) return;
      this.#states.delete(key);
      this.#send(message());
    }
    while (this.#events.length > 0 && !this.#blocked()) this.#send(this.#events.shift()!);
  }

  #blocked(): boolean {
    return this.#closed || this.#transport.bufferedAmount > highWaterBytes;
  }

  #send(data: string | Buffer): void {
    this.#transport.send(data, (error) => {
      if (!error) this.#flush();
    });
  }
}

function parse(text: string | undefined): unknown {
  try {
    return text === undefined ? undefined : parseJson(text);
  } catch {
    return undefined;
  }
}
