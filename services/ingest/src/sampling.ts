/** Frames a camera may be ahead of its rate: the one that is due, and one that came late. */
const mostCredit = 2;
/** Credit of the first frame: due, with half a frame of room for the jitter of a camera at exactly the asked rate. */
const firstCredit = 1.5;

/**
 * ffmpeg `select` expression that passes at most `fps` frames per second of stream time, exact on average for any rate
 * of the camera: time earns credit, a frame costs 1. Undefined when every frame is wanted (`fps` 0). It stands before
 * the scaler, so a frame sampled out costs no scaling.
 */
export function samplingExpression(fps: number): string | undefined {
  if (fps === 0) return undefined;
  const earned = `ld(0)+max(0,pts-prev_pts)*TB*${fps}`;
  return `st(0,if(isnan(prev_pts),${firstCredit},min(${mostCredit},${earned})));if(gte(ld(0),1),st(0,ld(0)-1)*0+1,0)`;
}
