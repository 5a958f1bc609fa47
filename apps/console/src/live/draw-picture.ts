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

/** What a picture is drawn with. */
export interface Overlay {
  rules: HttpRules | undefined;
  /** Device pixels of one CSS pixel. */
  scale: number;
  /** How much is written at a box: on small tiles more would hide what it is about. */
  labels: "full" | "short" | "id";
  /** Where labels were in the picture before, by track; kept current here, so that they do not jump. */
  places: Map<string, number>;
}

/** CSS pixels of the picture's width from which on labels are whole, and from which on they have the class's name. */
const fullLabels = 560;
const shortLabels = 240;
const zoneColor = "#f0c342";
const maskColor = "rgb(10 14 18 / 55%)";
const fontFamily = "system-ui, sans-serif";

/** Draws a picture, its zones and lines and what was detected in it; returns where the picture lies. */
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

/** Draws only what was detected, into a canvas that lies over a picture of this size; returns where the picture lies. */
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

/** How much is written at boxes of a picture that is so wide, in CSS pixels. */
export function labelsFor(width: number): Overlay["labels"] {
  return width >= fullLabels ? "full" : width >= shortLabels ? "short" : "id";
}

/** A track's id as people see it, "#12": without the run of the analysis that it belongs to. Empty when there is none. */
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

/** What is written at a box. */
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

/** Writes at each box what it is, where there is room. */
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
  // Detections come by falling score: the surest choose first.
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
 * Colours that people with colour vision deficiencies tell apart (Okabe and Ito, "Color Universal Design", 2008),
 * without black, and with blue and vermilion made lighter for dark pictures.
 */
const palette = ["#56b4e9", "#f0e442", "#e69f00", "#3ad6a3", "#ff7f41", "#e59ac6", "#9fb8ff", "#e8e8e8"];

/** Classes that are seen often, each with a colour of its own. */
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
