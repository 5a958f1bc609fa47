import { placeLabels } from "@sightline/annotate";
import type { HttpRules, LivePicture } from "@sightline/contracts";
import { boxToCanvas, fit, type Rectangle, type Size, toCanvas } from "./view-transform.ts";

type Detection = LivePicture["detections"][number];
type Point = readonly [number, number];

/** Something that can be drawn into a canvas, and its size in pixels. */
export interface Drawable {
  source: ImageBitmap | HTMLVideoElement;
  width: number;
  height: number;
}

/** Everything that is drawn over a picture. */
export interface Overlay {
  rules: HttpRules | undefined;
  /** Device pixels per CSS pixel. */
  scale: number;
  /** How long the labels are: on small tiles, long ones would hide the objects. */
  labels: "full" | "short" | "id";
  /** Position of labels in the previous picture, by track; updated here, so that labels do not jump. */
  places: Map<string, number>;
}

/** Picture width in CSS pixels from which labels are complete, and from which they have the class's name. */
const fullLabels = 560;
const shortLabels = 240;
const zoneColor = "#f0c342";
const maskColor = "rgb(10 14 18 / 55%)";
const fontFamily = "system-ui, sans-serif";

/** Draws a picture, its zones and lines, and its detections; returns where the picture lies. */
export function drawPicture(
  context: CanvasRenderingContext2D,
  detections: readonly Detection[],
  picture: Drawable,
  overlay: Overlay,
): Rectangle {
  const { canvas } = context;
  const view = fit(picture, canvas);
  if (view.width < canvas.width || view.height < canvas.height) {
    context.fillStyle = "#0b0e11";
    context.fillRect(0, 0, canvas.width, canvas.height);
  }
  context.drawImage(picture.source, view.x, view.y, view.width, view.height);
  if (overlay.rules) drawRules(context, overlay.rules, view, overlay);
  for (const detection of detections) drawBox(context, detection, view, overlay);
  drawLabels(context, detections, view, overlay);
  return view;
}

/** Draws only the detections, into a canvas over a picture of this size; returns where the picture lies. */
export function drawDetections(
  context: CanvasRenderingContext2D,
  detections: readonly Detection[],
  picture: Size,
  overlay: Omit<Overlay, "rules">,
): Rectangle {
  const { canvas } = context;
  const view = fit(picture, canvas);
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (const detection of detections) drawBox(context, detection, view, overlay);
  drawLabels(context, detections, view, overlay);
  return view;
}

/** How long the labels are for a picture of this width, in CSS pixels. */
export function labelsFor(width: number): Overlay["labels"] {
  return width >= fullLabels ? "full" : width >= shortLabels ? "short" : "id";
}

/** A track's id for people, "#12": without the part that names the run of the analysis. Empty when there is none. */
export function shortTrackId(id: string): string {
  return id === "" ? "" : `#${id.slice(id.lastIndexOf("-") + 1)}`;
}

function drawBox(
  context: CanvasRenderingContext2D,
  { box, className }: Detection,
  view: Rectangle,
  { scale }: Pick<Overlay, "scale">,
): void {
  const { x, y, width, height } = boxToCanvas(box, view);
  // A dark line under the coloured one keeps it visible on any picture.
  context.lineWidth = 4 * scale;
  context.strokeStyle = "rgb(0 0 0 / 55%)";
  context.strokeRect(x, y, width, height);
  context.lineWidth = 2 * scale;
  context.strokeStyle = classColor(className);
  context.strokeRect(x, y, width, height);
}

/** The text of a label. */
export function labelText(
  { className, trackId, score, attributes = {} }: Detection,
  labels: Overlay["labels"],
): string {
  const id = shortTrackId(trackId);
  if (labels === "id") return id || className;
  const words = [className, ...Object.values(attributes).map(({ value }) => value)].join(" ");
  const name = id === "" ? words : `${words} ${id}`;
  return labels === "short" ? name : `${name} ${Math.round(score * 100)}%`;
}

/** Draws the label of each box, where there is space. */
function drawLabels(
  context: CanvasRenderingContext2D,
  detections: readonly Detection[],
  view: Rectangle,
  { scale, labels, places }: Omit<Overlay, "rules">,
): void {
  const size = (labels === "full" ? 12 : 10) * scale;
  const padding = (labels === "full" ? 3 : 2) * scale;
  context.font = `600 ${size}px ${fontFamily}`;
  context.textBaseline = "middle";
  const height = Math.round(size + 2 * padding);
  const texts = detections.map((detection) => labelText(detection, labels));
  const boxes = detections.map(({ box, trackId }, index) => ({
    ...boxToCanvas(box, view),
    labelWidth: Math.ceil(context.measureText(texts[index] ?? "").width + 2 * padding),
    labelHeight: height,
    before: places.get(trackId),
  }));
  places.clear();
  // Detections are ordered by falling score: the most certain ones choose their place first.
  for (const [index, placed] of placeLabels(boxes, view, 2 * scale).entries()) {
    const { trackId, className } = detections[index] as Detection;
    if (placed && trackId !== "") places.set(trackId, placed.place);
    if (!placed) continue;
    context.fillStyle = classColor(className);
    context.fillRect(placed.x, placed.y, boxes[index]?.labelWidth ?? 0, height);
    context.fillStyle = "#0b0e11";
    context.fillText(texts[index] ?? "", placed.x + padding, placed.y + height / 2 + scale / 2);
  }
}

function drawRules(
  context: CanvasRenderingContext2D,
  rules: HttpRules,
  view: Rectangle,
  overlay: Overlay,
): void {
  const { scale, labels } = overlay;
  for (const mask of rules.masks) {
    if (mask.mode !== "exclude") continue;
    trace(context, mask.polygon, view);
    context.fillStyle = maskColor;
    context.fill();
  }
  for (const zone of rules.zones) {
    trace(context, zone.polygon, view);
    context.fillStyle = "rgb(240 195 66 / 12%)";
    context.fill();
    context.setLineDash([5 * scale, 3 * scale]);
    stroke(context, 1.5 * scale);
    context.setLineDash([]);
    if (labels !== "id" && zone.polygon[0])
      drawName(context, zone.name, toCanvas(zone.polygon[0], view), scale);
  }
  for (const line of rules.lines) {
    trace(context, [line.start, line.end], view);
    stroke(context, 2.5 * scale);
    if (labels !== "id") drawName(context, line.name, toCanvas(line.start, view), scale);
  }
}

function stroke(context: CanvasRenderingContext2D, width: number): void {
  context.lineWidth = width;
  context.strokeStyle = zoneColor;
  context.stroke();
}

function drawName(context: CanvasRenderingContext2D, name: string, [x, y]: Point, scale: number): void {
  context.font = `600 ${11 * scale}px ${fontFamily}`;
  context.textBaseline = "alphabetic";
  context.lineWidth = 3 * scale;
  context.strokeStyle = "rgb(0 0 0 / 70%)";
  context.strokeText(name, x + 4 * scale, y - 4 * scale);
  context.fillStyle = zoneColor;
  context.fillText(name, x + 4 * scale, y - 4 * scale);
}

function trace(context: CanvasRenderingContext2D, points: readonly Point[], view: Rectangle): void {
  context.beginPath();
  points.forEach((point, index) => {
    const [x, y] = toCanvas(point, view);
    if (index === 0) context.moveTo(x, y);
    else context.lineTo(x, y);
  });
  if (points.length > 2) context.closePath();
}

/**
 * Colours that people with colour vision deficiencies can distinguish (Okabe and Ito, "Color Universal Design", 2008), without black, and
 * with blue and vermilion made lighter for dark pictures.
 */
const palette = ["#56b4e9", "#f0e442", "#e69f00", "#3ad6a3", "#ff7f41", "#e59ac6", "#9fb8ff", "#e8e8e8"];

/** Common classes, each with its own colour. */
const common = ["person", "car", "bicycle", "dog", "truck", "bus", "motorcycle", "cat"];

/** The colour of a class, the same everywhere and at every visit. */
export function classColor(name: string): string {
  const known = common.indexOf(name);
  return palette[(known >= 0 ? known : hash(name)) % palette.length] as string;
}

function hash(text: string): number {
  let value = 0;
  for (let at = 0; at < text.length; at++) value = (value * 31 + text.charCodeAt(at)) >>> 0;
  return value;
}
