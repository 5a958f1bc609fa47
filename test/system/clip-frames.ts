import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { projectRoot } from "@sightline/stack";

const clip = join(projectRoot, "test/fixtures/pedestrians.mp4");
/** Frames of the bundled clip, which cameras of tests play in a loop from its first. */
export const clipFrames = 200;

/** R, G, B bytes of a picture and its size. */
export interface Pixels {
  pixels: Buffer;
  width: number;
  height: number;
}

/** Reads a PPM. */
export function decodePicture(ppm: Buffer): Pixels {
  const [header = "", width, height] = /^P6\n(\d+) (\d+)\n255\n/.exec(ppm.toString("latin1", 0, 32)) ?? [];
  return { pixels: ppm.subarray(header.length), width: Number(width), height: Number(height) };
}

/** Which frame of the clip a picture is most like. */
export function clipFrameOf(ffmpeg: string, { pixels, width, height }: Pixels): number {
  const filter = `scale=${width}:${height}:flags=bilinear,format=gbrp,format=rgb24`;
  const all = execFileSync(
    ffmpeg,
    ["-v", "error", "-i", clip, "-vf", filter, "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"],
    { maxBuffer: 1e9 },
  );
  let best = { frame: -1, difference: Number.POSITIVE_INFINITY };
  for (let frame = 0; frame < clipFrames; frame++) {
    let difference = 0;
    for (let i = 0; i < pixels.byteLength; i += 7)
      difference += Math.abs(pixels[i]! - all[frame * pixels.byteLength + i]!);
    if (difference < best.difference) best = { frame, difference };
  }
  return best.frame;
}
