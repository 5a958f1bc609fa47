/** Names of a classifier's inputs and outputs. */

/** What a classifier says of an object: one of these values. */
export interface Attribute {
  readonly name: string;
  readonly values: readonly string[];
}

/** uint8 [1, 3, H, W], planes G, B, R of a whole frame of any size. */
export const CLASSIFIER_FRAME = "frame";
/** float32 [N, 4]: x1, y1, x2, y2 in pixels of the frame. */
export const CLASSIFIER_BOXES = "boxes";
/** Name of the output with an attribute's probabilities, float32 [N, values]. */
export function attributeOutput(attribute: string): string {
  return `attribute.${attribute}`;
}
