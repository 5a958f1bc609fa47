import { join } from "node:path";
import { runFfmpeg } from "@sightline/media";
import { projectRoot } from "@sightline/stack";

const bundled = join(projectRoot, "test/fixtures/pedestrians.mp4");

/** Size of the picture, and of what moves in it: a person with a magenta bar below, both with the same middle. */
export const walk = { width: 768, height: 432, patchWidth: 104, framesPerSecond: 10 };

/**
 * Writes a video of a person who goes to and fro before a plain ground, cut out of the bundled clip, by about 20 pixels a picture.
 */
export async function writeWalkingPerson(file: string, seconds: number): Promise<void> {
  const { width, height, patchWidth, framesPerSecond: rate } = walk;
  const across = width - patchWidth - 80;
  const person = `[0:v]trim=16:16.05,crop=${patchWidth}:166:310:365,scale=${patchWidth}:-2,pad=${patchWidth}:190:0:0:magenta,loop=-1:1,setpts=N/${rate}/TB[person]`;
  const place = `40+${across}*abs(2*mod(t/6\\,1)-1)`;
  await runFfmpeg(process.env.FFMPEG_PATH ?? "ffmpeg", [
    ...["-loglevel", "error", "-y", "-i", bundled],
    ...["-f", "lavfi", "-i", `color=0x4a6324:s=${width}x${height}:r=${rate}:d=${seconds}`],
    ...["-filter_complex", `${person};[1:v][person]overlay=x='${place}':y=180:shortest=1,format=yuv420p`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "2", "-t", String(seconds), file],
  ]);
}
