import { CameraRules, cameraName, FrameDetections, toTimestamp } from "@sightline/contracts";
import { parseRules } from "@sightline/rules";

const width = 768;
const height = 576;
/** How often a person enters the picture, and how long crossing it takes. */
const intervalMs = 600;
const crossingMs = 2_400;

/** Rules that create many events from the people of `sceneFrame`. */
export function sceneRules(): CameraRules {
  const rules = parseRules({
    zones: [
      {
        name: "middle",
        polygon: [
          [0.3, 0.05],
          [0.7, 0.05],
          [0.7, 0.95],
          [0.3, 0.95],
        ],
      },
    ],
    lines: [{ name: "door", start: [0.5, 0], end: [0.5, 1] }],
    rules: [
      { type: "appeared" },
      { type: "left" },
      { type: "entered_zone", zone: "middle" },
      { type: "crossed_line", line: "door" },
      { type: "count_above", count: 2 },
    ],
  });
  return CameraRules.fromPartial(rules);
}

/** Which frame of a scene, and when its camera captured it. */
export interface AnalysedScene {
  camera: string;
  epoch?: string;
  number: number;
  previousNumber?: number;
  /** Milliseconds since the scene's beginning. */
  atMs: number;
  /** Wall clock at the scene's beginning, in milliseconds. */
  startMs: number;
}

/** A frame of people who walk across the picture in four lanes, as a worker publishes it. */
export function sceneFrame({ camera, number, atMs, startMs, ...frame }: AnalysedScene): FrameDetections {
  const { epoch = "e1", previousNumber = number - 1 } = frame;
  const detections = [];
  for (let person = 0; person * intervalMs <= atMs; person++) {
    const walked = (atMs - person * intervalMs) / crossingMs;
    if (walked < 1) detections.push(detection(walked * (width - 40), 20 + (person % 4) * 130));
  }
  return FrameDetections.fromPartial({
    frame: {
      camera: cameraName(camera),
      epoch,
      number,
      previousNumber,
      captureTime: toTimestamp(startMs + atMs),
      ptsUs: Math.round(atMs * 1000),
      sourceWidth: width,
      sourceHeight: height,
    },
    detections,
    timings: { decodeUs: 4_000, queueUs: 1_000, batchUs: 2_000, inferUs: 30_000, postUs: 1_000 },
  });
}

function detection(xMin: number, yMin: number) {
  const [xMax, yMax] = [xMin + 40, yMin + 100];
  return {
    classId: 0,
    className: "person",
    score: 0.9,
    pixelBox: { xMin, yMin, xMax, yMax },
    normalizedBox: { xMin: xMin / width, yMin: yMin / height, xMax: xMax / width, yMax: yMax / height },
  };
}
