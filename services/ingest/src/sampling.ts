/** Frames a camera may be ahead of its rate: the one that is due, and one that came late. */
const mostCredit = 2;
/** Credit of the first frame: due, with half a frame of room for the jitter of a camera at exactly the asked rate. */
const firstCredit = 1.5;
/** Stream time may be so many seconds ahead of or behind the clock, since frames come in bursts. */
const tolerance = 1;

/**
 * ffmpeg `select` expression that passes at most `fps` frames per second, exact on average for any rate of the camera: time
 * earns credit, a frame costs 1. Undefined when every frame is wanted (`fps` 0). It stands before the scaler, so a frame
 * sampled out costs no scaling.
 *
 * The time is the stream's, which has no jitter, for as long as it goes with the clock that is on the wall; a stream whose
 * times jump, stand still or lack is held to that clock. `clock` is an expression of its time in seconds.
 */
export function samplingExpression(fps: number, clock = "time(0)"): string | undefined {
  if (fps === 0) return undefined;
  const [credit, time, passed, last, now, next] = [0, 1, 2, 3, 4, 5];
  const first = (value: number, expression: string) => `if(eq(n,0),${value},${expression})`;
  const step = "if(isnan(pts-prev_pts),0,max(0,pts-prev_pts)*TB)";
  return [
    `st(${now},${clock})`,
    // A clock that is set back stands still for one frame.
    `st(${passed},${first(0, `ld(${passed})+max(0,ld(${now})-ld(${last}))`)})`,
    `st(${last},ld(${now}))`,
    `st(${next},max(ld(${time}),clip(ld(${time})+${step},ld(${passed})-${tolerance},ld(${passed})+${tolerance})))`,
    `st(${credit},${first(firstCredit, `min(${mostCredit},ld(${credit})+(ld(${next})-ld(${time}))*${fps})`)})`,
    `st(${time},ld(${next}))`,
    // A frame that is due is not put off by rounding.
    `if(gte(ld(${credit}),0.999999),st(${credit},ld(${credit})-1)*0+1,0)`,
  ].join(";");
}
