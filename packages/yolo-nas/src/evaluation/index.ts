export * from "../errors.ts";
export * from "./coco-annotations.ts";
export * from "./coco-metrics.ts";
export * from "./evaluate-models.ts";
export * from "./label-frames.ts";
export * from "./picture-files.ts";
