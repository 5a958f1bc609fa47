/** A rectangle in pixels, y down. */
export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A box with the size of its label. */
export interface LabelledBox extends Pick<Rectangle, "x" | "y" | "width" | "height"> {
  labelWidth: number;
  labelHeight: number;
  /** The label's place in the picture before, so that labels do not jump; see `PlacedLabel.place`. */
  before?: number | undefined;
}

/** Where a label is placed, and which of the places around its box this is. */
export interface PlacedLabel {
  x: number;
  y: number;
  place: number;
}

/** Covering another label is worse than covering any box. */
const labelWeight = 1_000;
/** A label over its own box hides an object that it names itself; over another box it hides something unknown. */
const ownWeight = 0.6;
/** In label areas: later places cost a little more, and a jump costs as much as covering a fifth. */
const laterCost = 0.02;
const jumpCost = 0.2;

/**
 * Finds a place for each label at its box so that labels cover neither each other nor, where possible, the contents of the boxes. Boxes
 * are ordered by falling importance; the first ones choose first. A label that would cover another one everywhere gets no place
 * (undefined): the colour of its box still shows the class.
 * @param bounds where labels must stay
 * @param gap between a box and its label, in pixels
 */
export function placeLabels(
  boxes: readonly LabelledBox[],
  bounds: Rectangle,
  gap = 0,
): (PlacedLabel | undefined)[] {
  const placed: Rectangle[] = [];
  return boxes.map((box) => {
    const label = { width: box.labelWidth, height: box.labelHeight };
    const area = Math.max(1, label.width * label.height);
    let best: PlacedLabel | undefined;
    let least = labelWeight;
    for (const [place, [x, y]] of places(box, gap).entries()) {
      const at = { ...within(x, y, label, bounds), ...label };
      let cost = place * laterCost + (box.before === undefined || box.before === place ? 0 : jumpCost);
      for (const other of placed) if (cost < least && overlap(at, other) > 0) cost += labelWeight;
      for (const other of boxes) {
        if (cost >= least) break;
        cost += (overlap(at, other) / area) * (other === box ? ownWeight : 1);
      }
      if (cost >= least) continue;
      least = cost;
      best = { x: at.x, y: at.y, place };
    }
    if (best) placed.push({ ...best, ...label });
    return best;
  });
}

/** Places around a box, the usual one first: above, below, beside, inside, and above the place above. */
function places(
  { x, y, width, height, labelWidth, labelHeight }: LabelledBox,
  gap: number,
): [number, number][] {
  const right = x + width - labelWidth;
  const above = y - labelHeight - gap;
  const below = y + height + gap;
  return [
    [x, above],
    [right, above],
    [x, below],
    [right, below],
    [x + width + gap, y],
    [x - labelWidth - gap, y],
    [x + width + gap, y + height - labelHeight],
    [x - labelWidth - gap, y + height - labelHeight],
    [x, above - labelHeight - gap],
    [x, below + labelHeight + gap],
    [x, y],
    [x, y + height - labelHeight],
  ];
}

function within(x: number, y: number, label: Pick<Rectangle, "width" | "height">, bounds: Rectangle) {
  return {
    x: Math.max(bounds.x, Math.min(x, bounds.x + bounds.width - label.width)),
    y: Math.max(bounds.y, Math.min(y, bounds.y + bounds.height - label.height)),
  };
}

/** The area that two rectangles share. */
function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}
