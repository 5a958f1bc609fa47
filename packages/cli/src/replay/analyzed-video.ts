import { CameraAnalysis } from "@sightline/analysis";
import {
  CameraReason,
  type CameraRules,
  cameraName,
  type Event,
  FrameDetections,
  makeDetection,
  PixelFormat,
  toTimestamp,
} from "@sightline/contracts";
import { computeLetterbox, type DetectorSession, decodeCandidates, readFrames } from "@sightline/yolo-nas";
import type { ChosenModel } from "../detect/choose-model.ts";

/** First part of all ids that a replay makes: the same each time. */
const incarnation = "replay";

export interface VideoAnalysisOptions {
  path: string;
  camera: string;
  rules: CameraRules;
  session: DetectorSession;
  model: ChosenModel;
  ffmpeg: string;
  signal: AbortSignal;
}

/** What one frame of the video led to. */
export interface VideoStep {
  /** Presentation time in microseconds. */
  ptsUs: number;
  events: Event[];
}

/**
 * Detects, tracks and applies rules as the services do, frame by frame, by the video's own time: 1970-01-01 is where its
 * times begin. Every frame is analysed, and the end of the video is the camera's end.
 */
export async function* analyzeVideo(options: VideoAnalysisOptions): AsyncGenerator<VideoStep, void> {
  const { path, camera, rules, session, model, ffmpeg, signal } = options;
  const { input, fit, frame } = model.metadata;
  const analysis = new CameraAnalysis(camera, incarnation);
  yield { ptsUs: 0, events: analysis.rulesChanged({ time: toTimestamp(0), rules }) };
  const frames = readFrames(path, {
    letterbox: (source) => computeLetterbox(source, input, fit),
    frame,
    times: true,
    ffmpeg,
    signal,
  });
  let last = 0;
  for await (const { index, pixels, letterbox, ptsUs = last } of frames) {
    const { source, left, top, scaled } = letterbox;
    const found = decodeCandidates(await session.run(pixels, 1), 0, model.thresholds, letterbox);
    const detections = found.map(({ classId, score, box }) =>
      makeDetection({ classId, className: model.metadata.classes[classId] ?? "", score, box }, source),
    );
    const message = FrameDetections.fromPartial({
      frame: {
        camera: cameraName(camera),
        epoch: incarnation,
        number: index + 1,
        previousNumber: index,
        captureTime: toTimestamp(ptsUs / 1000),
        ptsUs,
        sourceWidth: source.width,
        sourceHeight: source.height,
        ...frame,
        pixelFormat: PixelFormat.GBRP,
        letterbox: { left, top, ...scaled },
      },
      detections,
    });
    last = ptsUs;
    yield { ptsUs, events: analysis.frame(message) };
  }
  const time = toTimestamp(last / 1000);
  const reason = CameraReason.STREAM_ENDED;
  const events = analysis.transition({ time, down: true, reason, message: "the video has ended" });
  yield { ptsUs: last, events };
}
