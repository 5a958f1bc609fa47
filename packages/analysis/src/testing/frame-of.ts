import { type Detection, FrameDetections, toTimestamp } from "@sightline/contracts";

/** An object in the picture; its position is the middle of its lower edge, all values in 0..1. */
export interface Thing {
  readonly x: number;
  readonly y: number;
  readonly width?: number;
  readonly height?: number;
  readonly classId?: number;
  readonly className?: string;
  readonly score?: number;
  /** Results of second stages: each value's probability, by attribute. */
  readonly read?: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const sourceWidth = 1280;
const sourceHeight = 720;

/** What a worker would publish for a frame with these objects. */
export function frameOf(frame: {
  epoch: string;
  number: number;
  captureMs: number;
  ptsUs: number;
  things: readonly Thing[];
}): FrameDetections {
  const { epoch, number, captureMs, ptsUs, things } = frame;
  const message = FrameDetections.fromPartial({
    frame: {
      camera: "cameras/door",
      epoch,
      number,
      captureTime: toTimestamp(captureMs),
      ptsUs,
      sourceWidth,
      sourceHeight,
    },
    detections: things.map(detectionOf),
  });
  // As received over the wire: 32-bit floats, whole microseconds.
  return FrameDetections.decode(FrameDetections.encode(message).finish());
}

function detectionOf({
  x,
  y,
  width = 0.1,
  height = 0.2,
  classId = 0,
  className = "person",
  score = 0.9,
  read = {},
}: Thing): Detection {
  const box = { xMin: x - width / 2, yMin: y - height, xMax: x + width / 2, yMax: y };
  return {
    classId,
    className,
    score,
    normalizedBox: box,
    pixelBox: {
      xMin: box.xMin * sourceWidth,
      yMin: box.yMin * sourceHeight,
      xMax: box.xMax * sourceWidth,
      yMax: box.yMax * sourceHeight,
    },
    trackId: "",
    attributes: [],
    attributeReadings: Object.entries(read).map(([name, values]) => ({
      name,
      values: Object.entries(values).map(([value, probability]) => ({ value, probability })),
    })),
  };
}
