export * from "./free-port.ts";
export * from "./nats-server.ts";
export { type CollectedSpan, TraceCollector } from "./trace-collector.ts";
