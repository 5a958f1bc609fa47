import { type CollectedSpan, TraceCollector } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PrometheusServer } from "./monitoring/prometheus-server.ts";
import { System } from "./system.ts";

let collector: TraceCollector;
let system: System;
beforeAll(async () => {
  collector = await TraceCollector.start();
  system = await System.start({
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    SIGHTLINE_TRACE_RATIO: "1",
  });
});
afterAll(async () => {
  await system?.stop();
  collector?.stop();
});

const stages = ["ingest", "decode", "queue", "inference", "batch", "infer", "post", "track"];

/** The spans of one frame that has gone all the way; each service sends its own when it likes. */
function wholeTrace(): CollectedSpan[] | undefined {
  const traces = Map.groupBy(collector.spans, ({ traceId }) => traceId);
  return [...traces.values()].find((spans) => spans.length >= stages.length);
}

test("a traced frame has one trace from capture to the analysis, through all three services", async () => {
  const cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1") });
  await expect.poll(() => wholeTrace()?.length ?? 0).toBeGreaterThan(0);
  const spans = wholeTrace()!;
  const named = (name: string) => spans.find((span) => span.name === name)!;
  expect(spans.map(({ name }) => name).sort()).toEqual(stages.toSorted());
  expect(new Set(spans.map(({ service }) => service)).size).toBe(3);
  expect(named("ingest")).toMatchObject({ service: "sightline-ingest", parentSpanId: "" });
  const parents = {
    decode: "ingest",
    queue: "ingest",
    inference: "ingest",
    infer: "inference",
    track: "inference",
  };
  for (const [child, parent] of Object.entries(parents))
    expect(named(child).parentSpanId, child).toBe(named(parent).spanId);
  const messaging = (name: string) => [
    named(name).kind,
    named(name).attributes["messaging.destination.name"],
  ];
  expect(messaging("ingest")).toEqual(["producer", "frames.get.front"]);
  expect(messaging("inference")).toEqual(["consumer", "frames.get.front"]);
  expect(messaging("track")).toEqual(["consumer", "detections.front"]);
  // One machine, one clock: each service begins no earlier than the one before it, and nothing ends before it begins.
  for (const { startMs, endMs } of spans) expect(endMs).toBeGreaterThanOrEqual(startMs);
  expect(named("inference").startMs).toBeGreaterThanOrEqual(named("ingest").startMs);
  expect(named("track").endMs).toBeGreaterThanOrEqual(named("infer").endMs);
});

test("the latency histogram links to traces by exemplars, which Prometheus takes", async () => {
  const prometheus = await PrometheusServer.start(system.ports);
  try {
    const linked = async () => {
      const known = new Set(collector.spans.map(({ traceId }) => traceId));
      const exemplars = await prometheus.exemplars("sightline_frame_latency_seconds_bucket");
      return exemplars.some(({ trace_id }) => known.has(trace_id ?? ""));
    };
    await expect.poll(linked).toBe(true);
  } finally {
    await prometheus.stop();
  }
});
