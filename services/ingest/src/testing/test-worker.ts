import type { ConsumerMessages } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import {
  arenaHeader,
  DropReason,
  decodeJson,
  encodeJson,
  FrameDetections,
  type FrameHandle,
  type FrameMetadata,
  type FrameToken,
  formatFrameId,
  type PixelFormatName,
  pixelFormatHeader,
  readFrame,
  readFrameAnswer,
  readyConsumer,
  streams,
  subjects,
  tokenSchema,
} from "@sightline/contracts";
import { ArenaReaders, type ReadFailure } from "@sightline/frame-arena";
import type { Nats } from "@sightline/service";

/** A frame as a worker got it. */
export interface WorkerFrame {
  camera: string;
  frame: FrameMetadata;
  pixels: Uint8Array;
}

/** What a worker does with a frame: publish its detections, report that it will not, or stay silent. */
export type FrameOutcome = "infer" | "silent" | { drop: number };

export interface TestWorkerOptions {
  /** The tmpfs in which it looks for frames. Default /dev/shm. */
  frameMemory?: string | undefined;
  /** False: it supports frames only as bytes, like versions before shared memory. */
  knowsHandles?: boolean;
}

/** Takes tokens, requests frames and publishes empty detections, like a real worker without inference. */
export class TestWorker {
  readonly frames: WorkerFrame[] = [];
  outcome: (frame: WorkerFrame) => FrameOutcome = () => "infer";
  /** The layout that it says it reads; undefined: it says nothing, like a worker of an earlier version. */
  reads: PixelFormatName | undefined;
  /** Where it reads shared frames. */
  readonly arenas: ArenaReaders;
  /** Called with each frame in shared memory before it is read. */
  beforeRead: (frame: FrameMetadata, handle: FrameHandle) => Promise<void> | void = () => undefined;
  /** Frames in shared memory that could not be read, and why; it has reported them. */
  readonly unread: { frame: FrameMetadata; failure: ReadFailure }[] = [];
  readonly #nats: Nats;
  readonly #knowsHandles: boolean;
  #messages: ConsumerMessages | undefined;

  private constructor(nats: Nats, { frameMemory = "/dev/shm", knowsHandles = true }: TestWorkerOptions) {
    this.#nats = nats;
    this.#knowsHandles = knowsHandles;
    this.arenas = new ArenaReaders(frameMemory);
  }

  static async start(nats: Nats, model: string, options: TestWorkerOptions = {}): Promise<TestWorker> {
    const worker = new TestWorker(nats, options);
    await nats.manager.consumers.add(streams.ready, readyConsumer(model));
    const consumer = await nats.jetstream.consumers.get(streams.ready, `workers-${model}`);
    worker.#messages = await consumer.consume({
      max_messages: 16,
      callback: (message) => {
        // Without NATS nothing can be published; the token is not acknowledged, so it comes again.
        void worker.#serve(decodeJson(tokenSchema, message.data)).then(
          () => message.ack(),
          () => undefined,
        );
      },
    });
    return worker;
  }

  /** The frames of one camera, in order of arrival. */
  of(camera: string): WorkerFrame[] {
    return this.frames.filter((frame) => frame.camera === camera);
  }

  async stop(): Promise<void> {
    await this.#messages?.close();
    await this.arenas.stop();
    // Hundreds of MB, which the process would keep while it runs other test files: each program that it starts then costs it 20 ms.
    this.frames.length = 0;
  }

  /** Requests a token's frame; undefined when the token is void or the frame cannot be read. */
  async request({ camera, epoch, id }: FrameToken): Promise<WorkerFrame | undefined> {
    const request = encodeJson({ epoch, token: id, worker: "test" });
    const told = headers();
    if (this.arenas.readable !== "") told.set(arenaHeader, this.arenas.readable);
    if (this.reads) told.set(pixelFormatHeader, this.reads);
    const options = { timeout: 10_000, ...(this.#knowsHandles && { headers: told }) };
    const reply = await this.#nats.connection
      .request(subjects.frameGet(camera), request, options)
      .catch(() => undefined);
    if (!reply || reply.data.byteLength === 0) return undefined;
    if (!this.#knowsHandles) return { camera, ...readFrame(reply.data) };
    const arena = reply.headers?.get(arenaHeader);
    if (arena) this.arenas.discover(arena);
    const { frame, pixels: found } = readFrameAnswer(reply.data);
    if (found instanceof Uint8Array) return { camera, frame, pixels: found };
    const pixels = new Uint8Array(found.bytes);
    await this.beforeRead(frame, found);
    const failure = await new Promise<ReadFailure | undefined>((resolve) =>
      this.arenas.read(found, pixels, resolve),
    );
    if (!failure) return { camera, frame, pixels };
    this.unread.push({ frame, failure });
    this.#drop(camera, frame, DropReason.WORKER_ERROR);
    return undefined;
  }

  /** Publishes a frame's detections. */
  async publish({ camera, frame }: WorkerFrame): Promise<void> {
    const data = FrameDetections.encode(FrameDetections.fromPartial({ frame })).finish();
    const msgID = formatFrameId({ camera, epoch: frame.epoch, number: frame.number });
    await this.#nats.jetstream.publish(subjects.detections(camera), data, { msgID });
  }

  async #serve(token: FrameToken): Promise<void> {
    const taken = await this.request(token);
    if (!taken) return;
    this.frames.push(taken);
    const outcome = this.outcome(taken);
    if (outcome === "infer") await this.publish(taken);
    else if (outcome !== "silent") this.#drop(token.camera, taken.frame, outcome.drop);
  }

  #drop(camera: string, { epoch, number, previousNumber }: FrameMetadata, reason: number): void {
    const notice = encodeJson({ epoch, number, previousNumber, reason });
    this.#nats.connection.publish(subjects.frameDropped(camera), notice);
  }
}
