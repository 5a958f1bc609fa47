import type { ModelManifest } from "@sightline/yolo-nas";

/** A model takes other frames than the one that runs. */
class FrameSizeError extends Error {
  override readonly name = "FrameSizeError";
}

/**
 * Frames are scaled to the model's input by ingest: those under way would fit no session of another form.
 * @throws FrameSizeError
 */
export function checkSameFrames(running: ModelManifest, other: ModelManifest): void {
  const words = ({ frame, fit, padValue, placement }: ModelManifest) =>
    `${frame.width}x${frame.height} with pictures of ${fit.width}x${fit.height} (${placement ?? "centre"}) on ${padValue}`;
  if (words(running) === words(other)) return;
  throw new FrameSizeError(
    `it takes frames of ${words(other)}, but the running version takes ${words(running)}; give a model with other frames another name`,
  );
}
