import { annotatedBox } from "@sightline/annotate";
import { cameraIdOf, type PictureRequest } from "@sightline/contracts";
import {
  type Picture,
  type PictureClient,
  PictureError,
  type RecentDetections,
  referenceTo,
} from "@sightline/service";
import { ApiError } from "../errors.ts";
import { annotateJpeg } from "./annotate-jpeg.ts";
import type { EventSnapshot } from "./event-snapshots.ts";

const quality = 85;
/** A frame with known detections may be gone when its picture is requested; then a newer one is tried. */
const attempts = 3;

export interface CameraSnapshotOptions {
  /** Draw the detections into the picture; it is then the newest with known detections. */
  annotated: boolean;
  /** The camera's own resolution, unless the frame is wanted as the model saw it. */
  source?: PictureRequest["source"];
  /** Longest width, in pixels. */
  maxWidth?: number | undefined;
}

/** Present pictures of cameras. */
export class CameraSnapshots {
  readonly #pictures: PictureClient;
  readonly #detections: RecentDetections;
  readonly #requireCamera: (camera: string) => unknown;

  constructor(
    pictures: PictureClient,
    detections: RecentDetections,
    requireCamera: (camera: string) => unknown,
  ) {
    this.#pictures = pictures;
    this.#detections = detections;
    this.#requireCamera = requireCamera;
  }

  /**
   * The newest analysed picture of the camera `cameras/{camera}`.
   * @throws ApiError invalid_argument, camera_not_found, picture_unavailable
   */
  async get(
    name: string,
    { annotated, maxWidth, source = "camera" }: CameraSnapshotOptions,
  ): Promise<EventSnapshot> {
    const camera = cameraIdOf(name);
    if (camera === undefined)
      throw new ApiError("invalid_argument", "the camera's name is not valid; expected cameras/{camera}");
    this.#requireCamera(camera);
    try {
      const picture = annotated
        ? await this.#annotated(camera, maxWidth, source)
        : await this.#pictures.get(camera, { source, asked: true, maxWidth, quality });
      return { jpeg: picture.jpeg, frame: referenceTo(picture) };
    } catch (cause) {
      if (!(cause instanceof PictureError)) throw cause;
      // No cause: the message says everything, and pictures of a camera that is down are requested again and again.
      throw new ApiError("picture_unavailable", `camera '${camera}' gives no picture now: ${cause.message}`);
    }
  }

  async #annotated(
    camera: string,
    maxWidth: number | undefined,
    source: PictureRequest["source"],
  ): Promise<Picture> {
    for (let attempt = 1; ; attempt++) {
      const found = this.#detections.newest(camera);
      if (!found?.frame)
        throw new ApiError(
          "picture_unavailable",
          `no frame of camera '${camera}' was analysed in the last seconds`,
        );
      const { epoch, number } = found.frame;
      try {
        const picture = await this.#pictures.get(camera, {
          epoch,
          number,
          source,
          asked: true,
          maxWidth,
          quality,
        });
        const boxes = found.detections.flatMap((each) => annotatedBox(each, each.trackId));
        return { ...picture, jpeg: await annotateJpeg(picture, boxes) };
      } catch (error) {
        const isGone = error instanceof PictureError && error.reason === "gone";
        if (!isGone || attempt === attempts || this.#detections.newest(camera) === found) throw error;
      }
    }
  }
}
