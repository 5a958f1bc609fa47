export { liveEntries } from "./live-entries.ts";
export * from "./nats-server.ts";
export * from "./sample-camera.ts";
export * from "./stepped-clock.ts";
export { type CollectedSpan, TraceCollector } from "./trace-collector.ts";
