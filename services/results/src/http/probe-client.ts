import {
  CameraReason,
  decodeJson,
  encodeJson,
  enumName,
  type HttpProbe,
  type HttpProbeRequest,
  type ProbeAnswer,
  type ProbeRequest,
  probeAnswerSchema,
  probeHeader,
  subjects,
} from "@sightline/contracts";
import type { Nats } from "@sightline/service";
import { parseCameraUri } from "../cameras/camera-uri.ts";
import { ApiError } from "../errors.ts";

/** Ingest gives a camera 8 s. */
const timeoutMs = 12_000;

/** Lets any ingest test a camera that need not be registered. */
export class ProbeClient {
  readonly #nats: Pick<Nats, "connection">;

  constructor(nats: Pick<Nats, "connection">) {
    this.#nats = nats;
  }

  /** What the camera offers, with a picture, or why there is none. @throws ApiError invalid_argument, probe_unavailable */
  async probe({ uri, transport = "auto", videoTrack = 0 }: HttpProbeRequest): Promise<HttpProbe> {
    const address = parseCameraUri(uri);
    const request: ProbeRequest = {
      uri: address.uri,
      transport,
      videoTrack,
      ...address.secret,
      picture: true,
    };
    const { answer, jpeg } = await this.#ask(request);
    if (!answer.ok)
      return { ok: false, reason: enumName(CameraReason, answer.reason), message: answer.message };
    const { codec, width, height, fps, videoTracks = 1, pictureFault = "" } = answer;
    const picture =
      jpeg.byteLength > 0 ? `data:image/jpeg;base64,${Buffer.from(jpeg).toString("base64")}` : null;
    return { ok: true, codec, width, height, fps, videoTracks, picture, pictureFault };
  }

  async #ask(request: ProbeRequest): Promise<{ answer: ProbeAnswer; jpeg: Uint8Array }> {
    try {
      const reply = await this.#nats.connection.request(subjects.cameraProbe, encodeJson(request), {
        timeout: timeoutMs,
      });
      const header = Buffer.from(reply.headers?.get(probeHeader) ?? "");
      return { answer: decodeJson(probeAnswerSchema, header), jpeg: reply.data };
    } catch (cause) {
      throw new ApiError(
        "probe_unavailable",
        "no ingest service tried the camera out; start one and try again",
        { cause },
      );
    }
  }
}
