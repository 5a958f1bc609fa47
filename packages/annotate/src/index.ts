export {
  type AnnotatedBox,
  annotatedBox,
  annotationSvg,
  type Color,
  classColor,
  type FoundObject,
} from "./annotation-svg.ts";
export { glyphHeight, glyphWidth, hasDot } from "./label-font.ts";
export { type LabelledBox, type PlacedLabel, placeLabels, type Rectangle } from "./place-labels.ts";
