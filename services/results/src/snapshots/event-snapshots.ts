import { type FrameReference, parseEventName } from "@sightline/contracts";
import { referenceTo } from "@sightline/service";
import { ApiError } from "../errors.ts";
import { annotateJpeg } from "./annotate-jpeg.ts";
import type { AwaitedSnapshots } from "./awaited-snapshots.ts";
import { cutOutJpeg } from "./cut-out.ts";
import type { RecordedPictures } from "./recorded-pictures.ts";

/** A JPEG and the frame that it shows. */
export interface EventSnapshot {
  jpeg: Uint8Array;
  frame: FrameReference;
}

/** Stored pictures of events. */
export class EventSnapshots {
  readonly #snapshots: AwaitedSnapshots;
  readonly #recorded: RecordedPictures;

  constructor(snapshots: AwaitedSnapshots, recorded: RecordedPictures) {
    this.#snapshots = snapshots;
    this.#recorded = recorded;
  }

  /**
   * The picture with the best view of the event `cameras/{camera}/events/{event}`; with `annotated`, the object's box is drawn into it, and
   * with `cutOut`, it is cut out around the object. It has the camera's own resolution if that is available; a cut-out uses the stored
   * picture, because lists of events request many. The picture of a recent event may not be stored yet, and is awaited until `signal`
   * aborts.
   * @throws ApiError invalid_argument, snapshot_not_found, history_unavailable, picture_unavailable
   */
  async get(
    name: string,
    { annotated = false, cutOut = false },
    signal?: AbortSignal,
  ): Promise<EventSnapshot> {
    const parts = parseEventName(name);
    if (!parts)
      throw new ApiError(
        "invalid_argument",
        "the event's name is not valid; expected cameras/{camera}/events/{event}",
      );
    const stored = await this.#snapshots.get(parts.camera, parts.id, signal).catch((cause: Error) => {
      throw new ApiError("history_unavailable", "the picture cannot be read now; try again", { cause });
    });
    if (!stored)
      throw new ApiError(
        "snapshot_not_found",
        `event '${name}' has no picture, or the picture is no longer stored`,
      );
    const { details, jpeg } = cutOut ? stored : await this.#recorded.better(parts.camera, parts.id, stored);
    const drawn = annotated ? await annotateJpeg({ ...details, jpeg }, details.boxes) : jpeg;
    return {
      jpeg: cutOut ? await cutOutJpeg({ ...details, jpeg: drawn }, details.boxes) : drawn,
      frame: referenceTo(details),
    };
  }
}
