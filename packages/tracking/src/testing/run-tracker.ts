import type { TrackedFrame } from "../evaluation/index.ts";
import { Tracker } from "../tracker.ts";
import type { TrackerOptions } from "../tracker-options.ts";
import type { Scene } from "./scene.ts";

/**
 * Runs a tracker over a scene and pairs what it says with the truth, the boxes being the observations'.
 * @param timeOf the time to give for a frame, if not its own
 */
export function trackScene(
  scene: Scene,
  options: Partial<TrackerOptions> = {},
  timeOf?: (frame: number) => number,
): TrackedFrame[] {
  const tracker = new Tracker(options);
  return scene.frames.map((frame, i) => {
    const { trackNumbers } = tracker.update(timeOf?.(i) ?? frame.timeMs, frame.observations);
    const tracked = trackNumbers.flatMap((id, at) =>
      id === undefined ? [] : [{ id, box: frame.observations[at]!.box }],
    );
    return { truth: frame.truth, tracked };
  });
}
