/** A rectangle in pixels. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Size {
  width: number;
  height: number;
}

/** Where a picture lies in a canvas when it is shown completely, as large as possible and centred. */
export function fit(picture: Size, canvas: Size): Rectangle {
  if (picture.width <= 0 || picture.height <= 0) return { x: 0, y: 0, ...canvas };
  const scale = Math.min(canvas.width / picture.width, canvas.height / picture.height);
  const width = Math.round(picture.width * scale);
  const height = Math.round(picture.height * scale);
  return {
    x: Math.floor((canvas.width - width) / 2),
    y: Math.floor((canvas.height - height) / 2),
    width,
    height,
  };
}

/** Converts a point in 0..1 of the picture to pixels of the canvas. */
export function toCanvas(point: readonly [number, number], view: Rectangle): [number, number] {
  return [view.x + point[0] * view.width, view.y + point[1] * view.height];
}

/** Converts a point in pixels of the canvas to 0..1 of the picture; a point outside is moved to the edge. */
export function toPicture(point: readonly [number, number], view: Rectangle): [number, number] {
  return [clamp01((point[0] - view.x) / view.width), clamp01((point[1] - view.y) / view.height)];
}

/** Converts a box x_min, y_min, x_max, y_max in 0..1 of the picture to whole pixels of the canvas. */
export function boxToCanvas(box: readonly [number, number, number, number], view: Rectangle): Rectangle {
  const [left, top] = toCanvas([box[0], box[1]], view).map(Math.round) as [number, number];
  const [right, bottom] = toCanvas([box[2], box[3]], view).map(Math.round) as [number, number];
  return { x: left, y: top, width: right - left, height: bottom - top };
}

function clamp01(value: number): number {
  return Math.min(1, Math.max(0, value));
}
