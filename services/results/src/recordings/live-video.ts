import { type CameraStatus, isCameraId, liveVideoPath } from "@sightline/contracts";
import { ApiError } from "../errors.ts";
import { askIngest } from "./holder-request.ts";
import type { RecordingHolders } from "./recording-holders.ts";

/** More than any camera's key picture with its header. */
const mostMessageBytes = 64 * 1024 * 1024;

export interface LiveVideoParts {
  holders: RecordingHolders;
  /** @throws ApiError camera_not_found */
  requireCamera: (camera: string) => unknown;
  status: (camera: string) => CameraStatus | undefined;
}

/** A camera's own live video, fetched from the ingest that receives it. */
export class LiveVideo {
  readonly #parts: LiveVideoParts;

  constructor(parts: LiveVideoParts) {
    this.#parts = parts;
  }

  /**
   * Messages of live-video.ts, as ingest sends them; read only as fast as they are taken. Ends when the ingest does not receive the camera
   * any more, or `signal` aborts.
   * @throws ApiError camera_not_found, recording_unavailable
   */
  async *open(camera: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    const { body } = await this.#ask(camera, signal);
    let rest: Buffer = Buffer.alloc(0);
    try {
      for await (const chunk of body ?? []) {
        rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
        while (rest.length >= 4) {
          const end = 4 + rest.readUInt32LE(0);
          if (end > mostMessageBytes)
            throw new ApiError(
              "recording_unavailable",
              "ingest's answer cannot be read; check that it runs the same version",
            );
          if (rest.length < end) break;
          yield rest.subarray(4, end);
          rest = rest.subarray(end);
        }
      }
    } catch (error) {
      // Ingest has gone: the viewer requests the video again.
      if (error instanceof ApiError) throw error;
    }
  }

  async #ask(camera: string, signal: AbortSignal): Promise<Response> {
    const { holders, requireCamera, status } = this.#parts;
    if (!isCameraId(camera)) throw new ApiError("invalid_argument", "the camera's name is not valid");
    requireCamera(camera);
    const ingest = status(camera)?.ingest ?? "";
    const answer = await askIngest(holders, ingest, camera, { path: liveVideoPath(camera), signal });
    if (!answer)
      throw new ApiError(
        "recording_unavailable",
        `no ingest answers that it receives camera '${camera}'; try again`,
      );
    return answer;
  }
}
