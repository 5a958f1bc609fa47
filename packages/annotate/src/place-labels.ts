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
  /** Which of the places it had in the picture before, so that labels do not jump; see `PlacedLabel.place`. */
  before?: number | undefined;
}

/** Where a label goes, and which of the places around its box that is. */
export interface PlacedLabel {
  x: number;
  y: number;
  place: number;
}

/** Another label under one is worse than any box. */
const labelWeight = 1_000;
/** What lies under a label in its own box is known to be there; what stands in another is covered. */
const ownWeight = 0.6;
/** In label areas: the later places are a little worse, and to jump costs as much as to cover a fifth. */
const laterCost = 0.02;
const jumpCost = 0.2;

/**
 * Finds a place for each label at its box so that labels cover neither each other nor, as far as there is room, what
 * stands in the boxes. Boxes come by falling importance: the first choose first. A label for which there is no place
 * without covering another has none (undefined): its box still tells the class by its colour.
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

/** Places around a box, the usual first: above, below, beside, inside, and above what is above. */
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
