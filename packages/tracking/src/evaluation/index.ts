export * from "./clear-mot.ts";
export * from "./evaluate-tracking.ts";
export * from "./hota.ts";
export * from "./identity.ts";
export type { LabelledBox, TrackedFrame } from "./tracked-frame.ts";
