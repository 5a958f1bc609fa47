import type { Letterbox, PixelFormatName, ServedModel } from "@sightline/contracts";
import { displayExpressions, placePicture } from "@sightline/media";

/** What a model needs from a frame; sizes in pixels. */
export type AnalysisGeometry = Pick<
  ServedModel,
  "width" | "height" | "longestSide" | "padValue" | "placement"
> & {
  /** How its sessions read pixels; gbrp when not given. */
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
 * Where a picture of this size (as displayed) lies in the analysis frame. It is scaled with its aspect ratio kept, so that
 * its longest side is `longestSide` (less where the frame is narrower), and centred; an odd pixel of padding goes right and
 * below. This is how super-gradients prepares images (DetectionLongestMaxSizeRescale, DetectionCenterPadding). Models of
 * other families need it in the upper left corner, or stretched over the whole frame. In I420 the picture begins at an even
 * pixel, because its chroma does; if its number of lines or columns is odd, the last one is padding.
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

/**
 * The size of the picture in the frame, as expressions for ffmpeg's scalers, which know the picture's size and pixel
 * aspect. Keep in step with letterboxOf.
 */
export function letterboxSize({ width, height, longestSide, placement }: AnalysisGeometry) {
  if (placement === "stretch") return { width: String(width), height: String(height) };
  const scale = `min(${longestSide}/max(ld(0),ld(1)),min(${width}/ld(0),${height}/ld(1)))`;
  const side = (index: 0 | 1) =>
    `st(0,${displayExpressions.width});st(1,${displayExpressions.height});max(1,round(ld(${index})*${scale}))`;
  return { width: side(0), height: side(1) };
}

/**
 * The same geometry as ffmpeg filters, for pictures whose size and pixel aspect only ffmpeg knows and which may change. A
 * picture that is already scaled to `letterboxSize`, with square pixels, keeps its size.
 */
export function letterboxFilters(geometry: AnalysisGeometry): string[] {
  const { width, height, padValue, placement, pixelFormat } = geometry;
  const size = letterboxSize(geometry);
  const grey = padValue.toString(16).padStart(2, "0");
  const middle = (room: string) => (pixelFormat === "i420" ? `2*floor((${room})/4)` : `floor((${room})/2)`);
  const [x, y] = placement === "corner" ? ["0", "0"] : [middle("ow-iw"), middle("oh-ih")];
  // One colour matrix and range for all frames; the model's graph expects them.
  const [colours, format] =
    pixelFormat === "i420" ? [":out_color_matrix=bt601:out_range=tv", "yuv420p"] : ["", "gbrp"];
  return [
    `scale=w='${size.width}':h='${size.height}':eval=frame:flags=bilinear${colours}`,
    `format=${format}`,
    `pad=w=${width}:h=${height}:x='${x}':y='${y}':eval=frame:color=0x${grey}${grey}${grey}`,
  ];
}
