import { mostStretch } from "./display-size.ts";
import { type Orientation, uprightFilters } from "./orientation.ts";

/**
 * ffmpeg's arguments for a file as its input, of which {@link displayFilters} of the same facts make upright pictures.
 * `container` is the only kind of file that it is read as, by ffmpeg's name; without it ffmpeg guesses.
 */
export function fileInput(
  path: string,
  { orientation = 1 }: { readonly orientation?: Orientation },
  container?: string,
): string[] {
  return [
    // Newer versions of ffmpeg turn some of these pictures by themselves.
    ...(orientation === 1 ? [] : ["-noautorotate"]),
    ...(container === undefined ? [] : ["-f", container]),
    ...["-i", `file:${path}`],
  ];
}

/**
 * The ffmpeg filters that must come first so that the pictures of a stream are whole: pictures of two fields become
 * pictures of one moment, one for one. None for a progressive stream, since the filter waits for the next picture; among
 * those of an interlaced one, progressive pictures pass as they are. What a file's display matrix says is on its side ffmpeg turns by
 * itself, before these; a still picture, and what a camera says is to be turned, is turned by them.
 */
export function displayFilters({
  interlaced,
  orientation = 1,
}: {
  readonly interlaced: boolean;
  readonly orientation?: Orientation;
}): string[] {
  const whole = interlaced ? ["bwdif=mode=send_frame:deint=interlaced"] : [];
  return [...whole, ...uprightFilters(orientation)];
}

const aspect = `if(between(sar,1/${mostStretch},${mostStretch}),sar,1)`;

/**
 * The size that `displaySize` tells, as expressions for ffmpeg's `scale` with `eval=frame`: for streams that say their pixels' aspect
 * with the first picture, or change it.
 */
export const displayExpressions = {
  width: `round(iw*max(${aspect},1))`,
  height: `round(ih/min(${aspect},1))`,
} as const;
