import type { Letterbox, PixelFormatName, ServedModel } from "@sightline/contracts";
import { displayExpressions, placePicture } from "@sightline/media";

/** What a model wants of a frame; sizes in pixels. */
export type AnalysisGeometry = Pick<
  ServedModel,
  "width" | "height" | "longestSide" | "padValue" | "placement"
> & {
  /** How its sessions read pixels; gbrp where nothing is said. */
  pixelFormat?: PixelFormatName | undefined;
};

/** Whether frames made for `a` can be given to `b`. */
export function sameGeometry(a: AnalysisGeometry, b: AnalysisGeometry): boolean {
  return (
    a.width === b.width &&
    a.height === b.height &&
    a.longestSide === b.longestSide &&
    a.padValue === b.padValue &&
    (a.placement ?? "centre") === (b.placement ?? "centre") &&
    (a.pixelFormat ?? "gbrp") === (b.pixelFormat ?? "gbrp")
  );
}

/**
 * Where a picture, of this size as it is shown, lies in the analysis frame: scaled with its aspect kept so that its longest side is `longestSide`
 * (less where the frame is narrower), centred, the odd pixel of padding right and below. As super-gradients prepares
 * images (DetectionLongestMaxSizeRescale, DetectionCenterPadding). Models of other families want it in the upper left corner, or
 * stretched over the whole frame. In I420 it begins at an even pixel, as its chroma does, and of an odd
 * number of lines or columns the last is padding.
 */
export function letterboxOf(
  geometry: AnalysisGeometry,
  sourceWidth: number,
  sourceHeight: number,
): Letterbox {
  const { width, height, longestSide, placement, pixelFormat } = geometry;
  const fit = { width: Math.min(longestSide, width), height: Math.min(longestSide, height) };
  const source = { width: sourceWidth, height: sourceHeight };
  const step = pixelFormat === "i420" ? 2 : 1;
  return placePicture(source, placement === "stretch" ? geometry : fit, geometry, placement, { step });
}

/** The size of the picture in the frame as expressions of ffmpeg's scalers, which know its size and pixel aspect; keep in step with letterboxOf. */
export function letterboxSize({ width, height, longestSide, placement }: AnalysisGeometry) {
  if (placement === "stretch") return { width: String(width), height: String(height) };
  const scale = `min(${longestSide}/max(ld(0),ld(1)),min(${width}/ld(0),${height}/ld(1)))`;
  const side = (index: 0 | 1) =>
    `st(0,${displayExpressions.width});st(1,${displayExpressions.height});max(1,round(ld(${index})*${scale}))`;
  return { width: side(0), height: side(1) };
}

/**
 * The same geometry as ffmpeg filters, for pictures whose size and pixel aspect only ffmpeg knows, and which may change. A picture
 * that has been scaled to `letterboxSize` already, with square pixels, keeps its size.
 */
export function letterboxFilters(geometry: AnalysisGeometry): string[] {
  const { width, height, padValue, placement, pixelFormat } = geometry;
  const size = letterboxSize(geometry);
  const grey = padValue.toString(16).padStart(2, "0");
  const middle = (room: string) => (pixelFormat === "i420" ? `2*floor((${room})/4)` : `floor((${room})/2)`);
  const [x, y] = placement === "corner" ? ["0", "0"] : [middle("ow-iw"), middle("oh-ih")];
  // One matrix and range for all, which the model's graph knows.
  const [colours, format] =
    pixelFormat === "i420" ? [":out_color_matrix=bt601:out_range=tv", "yuv420p"] : ["", "gbrp"];
  return [
    `scale=w='${size.width}':h='${size.height}':eval=frame:flags=bilinear${colours}`,
    `format=${format}`,
    `pad=w=${width}:h=${height}:x='${x}':y='${y}':eval=frame:color=0x${grey}${grey}${grey}`,
  ];
}
