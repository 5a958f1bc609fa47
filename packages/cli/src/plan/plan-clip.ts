import { join } from "node:path";
import { runFfmpeg } from "@sightline/media";
import { findFfmpeg } from "@sightline/rtsp";
import { projectRoot } from "@sightline/stack";

const bundled = join(projectRoot, "test/fixtures/pedestrians.mp4");
/** Long enough that playing it again is no cost of its own, short enough that it is made soon. */
const seconds = 10;

/** A picture's size, in pixels. */
export interface PictureSize {
  width: number;
  height: number;
}

/**
 * The bundled clip as cameras of another size or rate would send it, as H.264 with a key picture every two seconds, in `directory`; the clip as it is when
 * nothing is asked for. @throws when ffmpeg cannot make it
 */
export async function planClip(
  directory: string,
  { size, fps }: { size?: PictureSize | undefined; fps?: number | undefined },
): Promise<string> {
  if (!size && fps === undefined) return bundled;
  const filters = [
    ...(size ? [`scale=${size.width}:${size.height}`, "setsar=1"] : []),
    ...(fps === undefined ? [] : [`fps=${fps}`]),
  ];
  const path = join(directory, "plan.mp4");
  await runFfmpeg(await findFfmpeg(process.env.SIGHTLINE_FFMPEG), [
    ...["-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", bundled, "-t", String(seconds)],
    ...["-vf", filters.join(","), "-an", "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"],
    ...["-force_key_frames", "expr:gte(t,n_forced*2)", path],
  ]);
  return path;
}
