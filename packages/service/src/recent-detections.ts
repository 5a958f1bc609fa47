import { cameraIdOf, type FrameDetections } from "@sightline/contracts";

/** Frames kept per camera: about as many as ingest keeps pictures of. */
export const mostRecentFrames = 48;

/** What was found in the newest frames of each camera, to be drawn into their pictures. */
export class RecentDetections {
  /** Oldest first. */
  readonly #frames = new Map<string, FrameDetections[]>();

  add(frame: FrameDetections): void {
    const camera = cameraIdOf(frame.frame?.camera ?? "");
    if (camera === undefined) return;
    const frames = this.#frames.get(camera);
    if (!frames) this.#frames.set(camera, [frame]);
    else if (frames.push(frame) > mostRecentFrames) frames.shift();
  }

  /** What was found in one frame; undefined when it is not known, or not any more. */
  find(camera: string, epoch: string, number: number): FrameDetections | undefined {
    return this.#frames
      .get(camera)
      ?.findLast(({ frame }) => frame?.number === number && frame.epoch === epoch);
  }

  /** What was found in the camera's newest frame. */
  newest(camera: string): FrameDetections | undefined {
    return this.#frames.get(camera)?.at(-1);
  }

  /** The camera is not there any more. */
  forget(camera: string): void {
    this.#frames.delete(camera);
  }
}
