import { headers, type Msg, type Subscription } from "@nats-io/transport-node";
import {
  decodeJson,
  type PictureRequest,
  pictureHeader,
  pictureRequestSchema,
  subjects,
  WireError,
} from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import { type KeptFrame, RecentFrames } from "./frame-memory.ts";
import { type Pictures, refused } from "./pictures.ts";

/** Keeps a camera's recent frames and answers requests for their pictures. */
export class PictureSubject {
  readonly #pictures: Pictures;
  readonly #frames: RecentFrames;
  readonly #epoch: string;
  readonly #subscription: Subscription;
  readonly #answering = new Set<Promise<void>>();
  #clearing: NodeJS.Timeout | undefined;

  constructor(nats: Nats, camera: string, epoch: string, pictures: Pictures) {
    this.#pictures = pictures;
    this.#frames = new RecentFrames(pictures.memory);
    this.#epoch = epoch;
    this.#subscription = nats.connection.subscribe(subjects.pictureGet(camera), {
      callback: (error, message) => {
        if (error) return;
        const answering = this.#answer(message).finally(() => this.#answering.delete(answering));
        this.#answering.add(answering);
      },
    });
  }

  /** A worker gets this frame now. */
  add(frame: KeptFrame): void {
    clearTimeout(this.#clearing);
    this.#frames.add(frame);
  }

  /** No frames come any more: those that are here are let go when they are old, the newest too. */
  cameraDown(): void {
    clearTimeout(this.#clearing);
    this.#clearing = setTimeout(() => this.#frames.clear(), this.#pictures.memory.limits.maxAgeMs);
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    clearTimeout(this.#clearing);
    this.#frames.clear();
    await Promise.all(this.#answering);
  }

  async #answer(message: Msg): Promise<void> {
    const { answer, data } = await this.#picture(message.data);
    const head = headers();
    head.set(pictureHeader, JSON.stringify(answer));
    message.respond(data, { headers: head });
  }

  async #picture(data: Uint8Array) {
    let request: PictureRequest;
    try {
      request = decodeJson(pictureRequestSchema, data);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return refused("failed", `the request cannot be read: ${error.message}`);
    }
    const other = request.epoch !== undefined && request.epoch !== this.#epoch;
    return this.#pictures.answer(request, other ? undefined : this.#frames.find(request.number));
  }
}
