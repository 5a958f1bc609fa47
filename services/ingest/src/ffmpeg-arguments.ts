import {
  type Decoding,
  decodingInput,
  deinterlaceFilters,
  downloadFilters,
  type MaskPolygon,
  type Orientation,
  privacyFilters,
  uprightFilters,
} from "@sightline/media";
import { pictureReport } from "@sightline/rtsp";
import { type AnalysisGeometry, letterboxFilters, letterboxSize } from "./analysis-geometry.ts";

/**
 * ffmpeg's arguments to receive a camera's stream (`inputArguments`), report each picture on stderr, and write the pixels
 * of those that pass the sampler to stdout, as gbrp or I420.
 */
export function decoderArguments(
  inputArguments: readonly string[],
  geometry: AnalysisGeometry,
  {
    targetFps,
    interlaced,
    orientation,
    masks,
    decoding,
  }: {
    targetFps: number;
    interlaced: boolean;
    orientation: Orientation;
    masks: readonly MaskPolygon[];
    decoding: Decoding;
  },
): string[] {
  const sampling = samplingExpression(targetFps);
  const filters = [
    // Before the report, so that a picture is reported when it is passed on: a deinterlaced picture comes out one picture
    // later than it was decoded.
    ...deinterlaceFilters(decoding, interlaced),
    ...uprightFilters(orientation),
    pictureReport("decoded"),
    // Without a sampler a second report would only repeat the first, and one report costs as much as a small read.
    ...(sampling === undefined ? [] : [`select='${sampling}'`, pictureReport("sampled")]),
    // Pictures that are not needed stay on the GPU.
    ...downloadFilters(decoding, letterboxSize(geometry)),
    ...privacyFilters(masks),
    ...letterboxFilters(geometry),
  ];
  return [
    ...decodingInput(decoding),
    // Some versions turn only the pictures that carry the orientation (the key pictures), and restart their filters at
    // each.
    "-noautorotate",
    ...inputArguments,
    ...["-map", "0:v:0", "-vf", filters.join(","), "-fps_mode", "passthrough"],
    // Without the last two options a frame, or its last part, would wait for the next frame.
    ...["-c:v", "rawvideo", "-f", "rawvideo", "-threads", "1", "-flush_packets", "1", "pipe:1"],
  ];
}

/** Most frames a camera may be ahead of its rate: the one that is due, and one that came late. */
const mostCredit = 2;
/**
 * Credit for the first frame: it is due, plus half a frame as room for the jitter of a camera that sends at exactly the
 * requested rate.
 */
const firstCredit = 1.5;
/** Stream time may be this many seconds ahead of or behind the clock, because frames come in bursts. */
const tolerance = 1;

/**
 * ffmpeg `select` expression that passes at most `fps` frames per second. It is exact on average for any rate of the
 * camera: time earns credit, and a frame costs 1. Undefined when every frame is wanted (`fps` 0). It comes before the
 * scaler, so a frame that is sampled out costs no scaling.
 *
 * It uses the stream's time, which has no jitter, as long as that agrees with the wall clock. Where the stream's time
 * jumps, stands still or is missing, the wall clock limits it. `clock` is an expression for the wall clock's time in
 * seconds.
 */
export function samplingExpression(fps: number, clock = "time(0)"): string | undefined {
  if (fps === 0) return undefined;
  const [credit, time, passed, last, now, next] = [0, 1, 2, 3, 4, 5];
  const first = (value: number, expression: string) => `if(eq(n,0),${value},${expression})`;
  const step = "if(isnan(pts-prev_pts),0,max(0,pts-prev_pts)*TB)";
  return [
    `st(${now},${clock})`,
    // When the clock is set back, it stands still for one frame.
    `st(${passed},${first(0, `ld(${passed})+max(0,ld(${now})-ld(${last}))`)})`,
    `st(${last},ld(${now}))`,
    `st(${next},max(ld(${time}),clip(ld(${time})+${step},ld(${passed})-${tolerance},ld(${passed})+${tolerance})))`,
    `st(${credit},${first(firstCredit, `min(${mostCredit},ld(${credit})+(ld(${next})-ld(${time}))*${fps})`)})`,
    `st(${time},ld(${next}))`,
    // Rounding must not delay a frame that is due.
    `if(gte(ld(${credit}),0.999999),st(${credit},ld(${credit})-1)*0+1,0)`,
  ].join(";");
}
