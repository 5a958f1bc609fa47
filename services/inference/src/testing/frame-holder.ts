import { jetstream } from "@nats-io/jetstream";
import {
  type ConnectionOptions,
  connect,
  headers,
  type Msg,
  type NatsConnection,
} from "@nats-io/transport-node";
import {
  arenaHeader,
  cameraName,
  decodeJson,
  encodeFrameHandle,
  encodeJson,
  type FrameHandle,
  FrameMetadata,
  frameDroppedSchema,
  frameMessageBytes,
  frameRequestSchema,
  limits,
  type PixelFormat,
  type PixelFormatName,
  parseFrameId,
  pixelFormatHeader,
  pixelFormatOf,
  streams,
  subjects,
  toTimestamp,
  writeFrameHeader,
} from "@sightline/contracts";
import type { FrameArena } from "@sightline/frame-arena";
import { StreamPublisher } from "@sightline/service";
import { wallClockMs } from "@sightline/service/clock";

export interface HeldCameraOptions {
  id: string;
  model: string;
  width: number;
  height: number;
  /** Value of every pixel. */
  value?: number;
  /** The layout of its frames; a worker that does not say that it reads I420 gets gbrp. Default gbrp. */
  pixelFormat?: PixelFormatName;
  /** By how many milliseconds frames claim to be older than they are. */
  ageMs?: number;
}

/** When a camera's next token may be offered before its frame, like ingest's TokenTiming. Times are monotonic ms. */
export interface OfferTiming {
  arrived(now: number): void;
  isLong(waitMs: number): boolean;
}

const tokenCheckMs = 1_000;

/** One camera of a FrameHolder, with the account of its frames. */
export class HeldCamera {
  readonly options: HeldCameraOptions;
  readonly epoch = Math.random().toString(36).slice(2, 10);
  captured = 0;
  superseded = 0;
  /** Frames that a worker has: their place in shared memory, or the message. */
  readonly handed = new Map<number, FrameHandle | Uint8Array>();
  readonly inferred = new Set<number>();
  readonly dropped = new Map<number, number>();
  /** When each frame was captured, wall clock. */
  waiting: { number: number; capturedAt: number; arrivedAt: number } | undefined;
  token = 0;
  tokenOut = false;
  offeredAt = 0;
  previous = 0;
  /** Without it, a token is offered only with a frame. */
  timing: OfferTiming | undefined;

  constructor(options: HeldCameraOptions) {
    this.options = options;
  }

  /** captured − inferred − dropped − superseded − waiting − handed: zero, always. */
  get imbalance(): number {
    return (
      this.captured -
      this.inferred.size -
      this.dropped.size -
      this.superseded -
      (this.waiting ? 1 : 0) -
      this.handed.size
    );
  }
}

/** Holds cameras' frames as ingest does, by the same protocol, without cameras. */
export class FrameHolder {
  readonly #connection: NatsConnection;
  readonly #publisher: StreamPublisher;
  readonly #cameras = new Map<string, HeldCamera>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** Called for each request; a request for which it returns false gets no answer. */
  onRequest: (camera: HeldCamera, worker: string) => boolean = () => true;
  /** Shares frames with workers that can read it; without it, frames are sent as bytes, as an earlier ingest does. */
  arena: FrameArena | undefined;
  /** Called when a worker gets a frame. */
  onHanded: (handle: FrameHandle | undefined) => void = () => undefined;
  /** Messages that workers have answered, to be reused for similar frames. */
  #free: Uint8Array[] = [];

  private constructor(connection: NatsConnection) {
    this.#connection = connection;
    this.#publisher = new StreamPublisher(connection);
    connection.subscribe("detections.*", { callback: (_error, message) => this.#inferred(message) });
    connection.subscribe("frames.dropped.*", { callback: (_error, message) => this.#dropped(message) });
    this.#every(tokenCheckMs, () => void this.#checkTokens());
  }

  /** `options` are the connection options of a server that requires credentials. */
  static async start(url: string, options: ConnectionOptions = {}): Promise<FrameHolder> {
    return new FrameHolder(
      await connect({
        servers: url,
        maxReconnectAttempts: -1,
        reconnectTimeWait: 100,
        reconnectJitter: 50,
        ...options,
      }),
    );
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    await this.#connection.close();
  }

  get cameras(): HeldCamera[] {
    return [...this.#cameras.values()];
  }

  /** Adds a camera; with `fps`, frames arrive automatically. */
  add(options: HeldCameraOptions, fps = 0): HeldCamera {
    const camera = new HeldCamera(options);
    this.#cameras.set(options.id, camera);
    this.#connection.subscribe(subjects.frameGet(options.id), {
      callback: (_error, message) => this.#answer(camera, message),
    });
    if (fps > 0) this.#every(1000 / fps, () => this.capture(camera));
    return camera;
  }

  /** Stops the automatic frames. */
  pause(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.#timers.clear();
    this.#every(tokenCheckMs, () => void this.#checkTokens());
  }

  /** A frame arrives at a camera. */
  capture(camera: HeldCamera): void {
    if (camera.waiting) camera.superseded++;
    const now = wallClockMs();
    camera.captured++;
    camera.waiting = {
      number: camera.captured,
      capturedAt: now - (camera.options.ageMs ?? 0),
      arrivedAt: performance.now(),
    };
    camera.timing?.arrived(performance.now());
    if (!camera.tokenOut) this.#offer(camera);
  }

  #offer(camera: HeldCamera): void {
    const { id, model } = camera.options;
    camera.tokenOut = true;
    camera.offeredAt = performance.now();
    const token = ++camera.token;
    const data = encodeJson({ camera: id, epoch: camera.epoch, id: token });
    const options = { msgID: `${id}:${camera.epoch}:${token}`, timeoutMs: 1_000 };
    const attempt = () => {
      if (this.#connection.isClosed() || !camera.tokenOut || camera.token !== token) return;
      this.#publisher.publish(subjects.ready(model, id), data, options, (error) => {
        if (error) setTimeout(attempt, 100);
      });
    };
    attempt();
  }

  #answer(camera: HeldCamera, message: Msg): void {
    const request = decodeJson(frameRequestSchema, message.data);
    if (!this.onRequest(camera, request.worker)) return;
    const current = request.epoch === camera.epoch && request.token === camera.token && camera.tokenOut;
    if (current) camera.tokenOut = false;
    const frame = camera.waiting;
    if (!current || !frame) {
      message.respond();
      return;
    }
    camera.waiting = undefined;
    if (camera.timing?.isLong(performance.now() - camera.offeredAt)) this.#offer(camera);
    const { id, width, height, value = 0, pixelFormat: own } = camera.options;
    const readsOwn = message.headers?.get(pixelFormatHeader) === own;
    const pixelFormat = pixelFormatOf(readsOwn ? own : "gbrp");
    const header = FrameMetadata.fromPartial({
      camera: cameraName(id),
      epoch: camera.epoch,
      number: frame.number,
      previousNumber: camera.previous,
      captureTime: toTimestamp(frame.capturedAt),
      sourceWidth: 2 * width,
      sourceHeight: height,
      width,
      height,
      pixelFormat,
      letterbox: { left: 0, top: height / 4, width, height: height / 2 },
      decodeUs: 0,
      queueUs: Math.round((performance.now() - frame.arrivedAt + (camera.options.ageMs ?? 0)) * 1000),
    });
    camera.previous = frame.number;
    const data = this.#message(width, height, value, pixelFormat);
    const handle = this.#share(data.subarray(limits.frameHeaderBytes), message);
    camera.handed.set(frame.number, handle ?? data);
    this.onHanded(handle);
    if (handle) {
      this.#free.push(data);
      message.respond(encodeFrameHandle(header, handle));
      return;
    }
    writeFrameHeader(data, header);
    const offer = this.arena && headers();
    if (offer) offer.set(arenaHeader, this.arena!.id);
    message.respond(data, offer && { headers: offer });
  }

  /** A frame's message without its header. */
  #message(width: number, height: number, value: number, format: PixelFormat): Uint8Array {
    const bytes = frameMessageBytes(width, height, format);
    const used = this.#free.pop();
    return used?.byteLength === bytes && used.at(-1) === value ? used : new Uint8Array(bytes).fill(value);
  }

  #share(pixels: Uint8Array, request: Msg): FrameHandle | undefined {
    const { arena } = this;
    if (!arena || !request.headers?.get(arenaHeader).split(",").includes(arena.id)) return undefined;
    const handle = arena.put(pixels, Number.MAX_SAFE_INTEGER);
    return typeof handle === "string" ? undefined : handle;
  }

  /** A worker has answered for a frame; returns false when it did not have that frame. */
  #settle(camera: HeldCamera, number: number): boolean {
    const held = camera.handed.get(number);
    if (held instanceof Uint8Array) this.#free.push(held);
    else if (held) this.arena?.free(held);
    return camera.handed.delete(number);
  }

  #inferred(message: Msg): void {
    const id = parseFrameId(message.headers?.get("Nats-Msg-Id") ?? "");
    const camera = id && this.#cameras.get(id.camera);
    if (camera && id.epoch === camera.epoch && this.#settle(camera, id.number))
      camera.inferred.add(id.number);
  }

  #dropped(message: Msg): void {
    const camera = this.#cameras.get(message.subject.slice("frames.dropped.".length));
    const notice = decodeJson(frameDroppedSchema, message.data);
    if (camera && notice.epoch === camera.epoch && this.#settle(camera, notice.number))
      camera.dropped.set(notice.number, notice.reason);
  }

  /** A token that is missing from the stream, for example after a crash of the server, is offered again. */
  async #checkTokens(): Promise<void> {
    const manager = await jetstream(this.#connection).jetstreamManager(false);
    for (const camera of this.#cameras.values()) {
      const { token } = camera;
      if (!camera.tokenOut || !camera.waiting) continue;
      const subject = subjects.ready(camera.options.model, camera.options.id);
      const found = await manager.streams
        .getMessage(streams.ready, { last_by_subj: subject })
        .catch(() => undefined);
      if (found === null && camera.tokenOut && camera.token === token) this.#offer(camera);
    }
  }

  #every(ms: number, action: () => void): void {
    this.#timers.add(setInterval(action, ms));
  }
}
