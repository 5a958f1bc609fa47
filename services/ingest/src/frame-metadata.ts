import { cameraName, type FrameMetadata, pixelFormatOf, toTimestamp } from "@sightline/contracts";
import type { SteadyWallClock } from "@sightline/service/clock";
import { type AnalysisGeometry, letterboxOf } from "./analysis-geometry.ts";
import type { ArrivedFrame } from "./frame-intake.ts";

/** Where frames come from. */
export interface FrameOrigin {
  camera: string;
  epoch: string;
  /** When the camera was registered, in milliseconds. */
  registeredAt: number;
}

/**
 * What a frame's header says of it before it is handed over. `readyAt`: pixels in memory, by performance.now(). `clock`: the
 * camera's.
 */
export function describeFrame(
  { camera, epoch, registeredAt }: FrameOrigin,
  frame: ArrivedFrame,
  geometry: AnalysisGeometry,
  readyAt: number,
  clock: Pick<SteadyWallClock, "at">,
): Omit<FrameMetadata, "previousNumber" | "queueUs"> {
  return {
    camera: cameraName(camera),
    epoch,
    cameraCreateTime: toTimestamp(registeredAt),
    number: frame.number,
    captureTime: toTimestamp(clock.at(frame.arrivedAt)),
    ptsUs: frame.ptsUs,
    sourceWidth: frame.sourceWidth,
    sourceHeight: frame.sourceHeight,
    width: geometry.width,
    height: geometry.height,
    pixelFormat: pixelFormatOf(geometry.pixelFormat),
    letterbox: letterboxOf(geometry, frame.sourceWidth, frame.sourceHeight),
    decodeUs: Math.round((readyAt - frame.arrivedAt) * 1000),
  };
}
