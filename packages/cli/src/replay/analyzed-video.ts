import { CameraAnalysis } from "@sightline/analysis";
import {
  CameraReason,
  type CameraRules,
  CameraTransition,
  cameraName,
  type Event,
  FrameDetections,
  PixelFormat,
  toTimestamp,
} from "@sightline/contracts";
import { rulesLimits } from "@sightline/rules";
import {
  type DetectorSession,
  decodeCandidates,
  framesFor,
  placeInFrame,
  readFrames,
} from "@sightline/yolo-nas";
import type { ChosenModel } from "../detect/choose-model.ts";
import type { OpenSecondStages } from "../detect/open-second-stages.ts";

/** First part of all ids in a replay: the same each time. */
const incarnation = "replay";

/** Without frames, open events get a tick each second, as in a camera's analysis. */
const tickUs = 1_000_000;
/** After the longest debounce nothing can change until the next frame, however far away it is by the file's times. */
const maxTicks = rulesLimits.maxSeconds + 60;

export interface VideoAnalysisOptions {
  path: string;
  camera: string;
  /** Wall clock time of the video's start, in milliseconds since 1970. */
  startMs: number;
  rules: CameraRules;
  session: DetectorSession;
  stages: OpenSecondStages;
  model: ChosenModel;
  ffmpeg: string;
  signal: AbortSignal;
  /** Called when the video could not be read to its end. */
  onFailure: (error: Error) => void;
}

/** The results of one frame of the video, or of time without a frame. */
export interface VideoStep {
  /** Presentation time in microseconds. */
  ptsUs: number;
  events: Event[];
}

/**
 * Detects, tracks and applies rules as the services do, frame by frame, in the video's own time. Every frame is analysed, time without
 * frames passes as for a camera, and the end of the video is the end of the camera.
 */
export async function* analyzeVideo(options: VideoAnalysisOptions): AsyncGenerator<VideoStep, void> {
  const { path, camera, startMs, rules, session, stages, model, ffmpeg, signal } = options;
  const { frame } = model.metadata;
  const analysis = new CameraAnalysis(camera, incarnation);
  const wallClock = (ptsUs: number) => toTimestamp(startMs + ptsUs / 1000);
  yield { ptsUs: 0, events: analysis.rulesChanged({ time: wallClock(0), rules }) };
  const frames = readFrames(path, {
    ...framesFor(model.metadata),
    times: true,
    ffmpeg,
    signal,
    onFailure: options.onFailure,
  });
  let last = 0;
  for await (const { index, pixels, letterbox, ptsUs = last } of frames) {
    const { source } = letterbox;
    for (const timeUs of ticks(last, ptsUs)) {
      if (analysis.open === 0) break;
      yield { ptsUs: timeUs, events: analysis.tick({ time: wallClock(timeUs) }) };
    }
    const found = decodeCandidates(await session.run(pixels, 1), 0, model.thresholds, letterbox);
    const detections = await stages.read(pixels, letterbox, found);
    const message = FrameDetections.fromPartial({
      frame: {
        camera: cameraName(camera),
        epoch: incarnation,
        number: index + 1,
        previousNumber: index,
        captureTime: wallClock(ptsUs),
        ptsUs,
        sourceWidth: source.width,
        sourceHeight: source.height,
        ...frame,
        pixelFormat: PixelFormat.GBRP,
        letterbox: placeInFrame(letterbox, frame),
      },
      detections,
    });
    last = ptsUs;
    yield { ptsUs, events: analysis.frame(message) };
  }
  const time = wallClock(last);
  const reason = CameraReason.STREAM_ENDED;
  const message = "the video has ended";
  const events = analysis.transition(CameraTransition.fromPartial({ time, down: true, reason, message }));
  yield { ptsUs: last, events };
}

/** Times of the ticks between two frames. */
function* ticks(fromUs: number, toUs: number): Generator<number> {
  for (let count = 1; count <= maxTicks && fromUs + count * tickUs < toUs; count++)
    yield fromUs + count * tickUs;
}
