import type { ConsumerMessages } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import {
  arenaHeader,
  decodeJson,
  encodeJson,
  FrameDetections,
  type FrameMetadata,
  formatFrameId,
  type PixelFormatName,
  pixelFormatHeader,
  readFrameAnswer,
  readyConsumer,
  streams,
  subjects,
  type Token,
  tokenSchema,
} from "@sightline/contracts";
import { ArenaReaders } from "@sightline/frame-arena";
import type { Nats } from "@sightline/service";

/** A frame as a worker got it. */
export interface WorkerFrame {
  camera: string;
  frame: FrameMetadata;
  pixels: Uint8Array;
}

/** What a worker does with a frame: publish its detections, give notice that it will not, or fall silent. */
export type Outcome = "infer" | "silent" | { drop: number };

/** Takes tokens, requests frames and publishes empty detections, as a real worker does but for the inference. */
export class TestWorker {
  readonly frames: WorkerFrame[] = [];
  outcome: (frame: WorkerFrame) => Outcome = () => "infer";
  /** The layout that it says it reads; undefined: it says nothing, as a worker of an earlier version. */
  reads: PixelFormatName | undefined;
  /** Where it reads frames that are shared. */
  readonly arenas = new ArenaReaders("/dev/shm");
  readonly #nats: Nats;
  #messages: ConsumerMessages | undefined;

  private constructor(nats: Nats) {
    this.#nats = nats;
  }

  static async start(nats: Nats, model: string): Promise<TestWorker> {
    const worker = new TestWorker(nats);
    await nats.manager.consumers.add(streams.ready, readyConsumer(model));
    const consumer = await nats.jetstream.consumers.get(streams.ready, `workers-${model}`);
    worker.#messages = await consumer.consume({
      max_messages: 16,
      callback: (message) => {
        // Without NATS nothing can be published; the token, which is not acknowledged, comes again.
        void worker.#serve(decodeJson(tokenSchema, message.data)).then(
          () => message.ack(),
          () => undefined,
        );
      },
    });
    return worker;
  }

  /** The frames of one camera, in the order in which they came. */
  of(camera: string): WorkerFrame[] {
    return this.frames.filter((frame) => frame.camera === camera);
  }

  async stop(): Promise<void> {
    await this.#messages?.close();
    await this.arenas.stop();
  }

  /** Asks for a token's frame; undefined when the token is void. */
  async request({ camera, epoch, id }: Token): Promise<WorkerFrame | undefined> {
    const request = encodeJson({ epoch, token: id, worker: "test" });
    const readable = headers();
    readable.set(arenaHeader, this.arenas.readable);
    if (this.reads) readable.set(pixelFormatHeader, this.reads);
    const reply = await this.#nats.connection
      .request(subjects.frameGet(camera), request, { timeout: 10_000, headers: readable })
      .catch(() => undefined);
    if (!reply || reply.data.byteLength === 0) return undefined;
    const arena = reply.headers?.get(arenaHeader);
    if (arena) this.arenas.discover(arena);
    const { frame, pixels: found } = readFrameAnswer(reply.data);
    if (found instanceof Uint8Array) return { camera, frame, pixels: found };
    const pixels = new Uint8Array(found.bytes);
    const failure = await new Promise((resolve) => this.arenas.read(found, pixels, resolve));
    if (failure) throw new Error(`the frame cannot be read: ${failure}`);
    return { camera, frame, pixels };
  }

  /** Publishes a frame's detections. */
  async publish({ camera, frame }: WorkerFrame): Promise<void> {
    const data = FrameDetections.encode(FrameDetections.fromPartial({ frame })).finish();
    const msgID = formatFrameId({ camera, epoch: frame.epoch, number: frame.number });
    await this.#nats.jetstream.publish(subjects.detections(camera), data, { msgID });
  }

  async #serve(token: Token): Promise<void> {
    const taken = await this.request(token);
    if (!taken) return;
    this.frames.push(taken);
    const outcome = this.outcome(taken);
    if (outcome === "infer") await this.publish(taken);
    else if (outcome !== "silent") {
      const { epoch, number, previousNumber } = taken.frame;
      const notice = encodeJson({ epoch, number, previousNumber, reason: outcome.drop });
      this.#nats.connection.publish(subjects.frameDropped(token.camera), notice);
    }
  }
}
