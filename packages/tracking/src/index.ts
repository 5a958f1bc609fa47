export * from "./box.ts";
export * from "./errors.ts";
export * from "./evaluation/index.ts";
export type { ActiveTrack, TrackUpdate } from "./track.ts";
export * from "./tracker.ts";
export * from "./tracker-options.ts";
export { type TrackerState, trackerStateVersion } from "./tracker-state.ts";
