import { headers } from "@nats-io/transport-node";
import {
  decodeJson,
  type PictureAnswer,
  type PictureRequest,
  pictureHeader,
  pictureRequestSchema,
  subjects,
} from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import sharp from "sharp";

/** Answers requests for pictures like an ingest, with grey JPEGs of 320×240. */
export class TestPictures {
  readonly requests: (PictureRequest & { camera: string })[] = [];
  /** The refusal to send instead of a picture; undefined sends the picture. */
  refusal: (request: PictureRequest) => Extract<PictureAnswer, { ok: false }>["reason"] | undefined = () =>
    undefined;
  readonly #subscription;

  private constructor(nats: Nats, jpeg: Uint8Array) {
    this.#subscription = nats.connection.subscribe(subjects.pictureGet("*"), {
      callback: (_error, message) => {
        const request = decodeJson(pictureRequestSchema, message.data);
        this.requests.push({ ...request, camera: message.subject.split(".").at(-1)! });
        const { epoch = "newest", number = 1000 } = request;
        const reason = this.refusal(request);
        const answer: PictureAnswer = reason
          ? { ok: false, reason, message: `refused: ${reason}` }
          : {
              ok: true,
              epoch,
              number,
              captureTimeMs: 1_700_000_000_000.5,
              ptsUs: 40,
              width: 320,
              height: 240,
            };
        const head = headers();
        head.set(pictureHeader, JSON.stringify(answer));
        message.respond(reason ? new Uint8Array() : jpeg, { headers: head });
      },
    });
  }

  static async start(nats: Nats): Promise<TestPictures> {
    const grey = { r: 128, g: 128, b: 128 };
    const picture = sharp({ create: { width: 320, height: 240, channels: 3, background: grey } });
    const source = new TestPictures(nats, await picture.jpeg({ quality: 90 }).toBuffer());
    await nats.connection.flush();
    return source;
  }

  stop(): void {
    this.#subscription.unsubscribe();
  }
}
