export { annotatedBox, type FoundObject } from "./annotated-box.ts";
export { type AnnotatedBox, annotationSvg } from "./annotation-svg.ts";
export { type Color, classColor } from "./class-color.ts";
export { glyphHeight, glyphWidth, hasDot } from "./label-font.ts";
export { type LabelledBox, type PlacedLabel, placeLabels, type Rectangle } from "./place-labels.ts";
