export { isCutShort } from "./cut-short.ts";
export { displayExpressions, displayFilters, fileInput } from "./display-filters.ts";
export { displaySize, type PixelAspect, type Size } from "./display-size.ts";
export { probeFile } from "./probe-file.ts";
export { type PictureFacts, type VideoFacts, videoFacts } from "./video-facts.ts";
