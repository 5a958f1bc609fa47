import {
  displayExpressions,
  displayFilters,
  type MaskPolygon,
  type Orientation,
  privacyFilters,
} from "@sightline/media";

/** What becomes of a decoded picture. */
export interface PictureLook {
  /** How it is turned to be upright. */
  orientation: Orientation;
  /** Parts that nobody may see. */
  masks: readonly MaskPolygon[];
  /** Longest width, in pixels. */
  maxWidth: number | undefined;
}

/** The filters that make decoded pictures whole and upright; first, since they may need the ones next to the wanted. */
export function uprightWholeFilters(interlaced: boolean, { orientation }: PictureLook): string[] {
  return displayFilters({ interlaced, orientation });
}

/** The filters behind: masked parts black, square pixels, not wider than asked for, in the colours that a JPEG has (JFIF: BT.601, full range). */
export function jpegFilters({ masks, maxWidth }: PictureLook): string[] {
  const { width, height } = displayExpressions;
  const most = maxWidth === undefined ? width : `min(${Math.round(maxWidth)},${width})`;
  const size = `w='${most}':h='2*round(ow*${height}/${width}/2)'`;
  return [
    ...privacyFilters(masks),
    `scale=${size}:out_range=full:out_color_matrix=bt601`,
    ...["setsar=1", "format=yuvj420p"],
  ];
}

/** Scale of FFmpeg's encoder, 2 (best) to 31, for a quality of 1 to 100. */
export function qualityScale(quality: number): number {
  return Math.round(2 + (29 * (100 - quality)) / 100 / 2);
}
