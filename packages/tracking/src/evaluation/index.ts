export { type ClearMot, evaluateClearMot } from "./clear-mot.ts";
export * from "./evaluate-tracking.ts";
export { evaluateHota, type Hota } from "./hota.ts";
export { evaluateIdentity, type IdentityMetrics } from "./identity.ts";
export type { LabelledBox, TrackedFrame } from "./tracked-frame.ts";
