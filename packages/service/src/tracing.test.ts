import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { TraceCollector } from "./testing/index.ts";
import { Tracing, traceIdOf } from "./tracing.ts";

const log = createLogger("test", "fatal");

const sent = { role: "producer", subject: "frames.get.a", subjectTemplate: "frames.get.{camera}" } as const;
const worked = { ...sent, role: "consumer" } as const;

test("without an endpoint nothing is sampled and nothing recorded", async () => {
  const tracing = await Tracing.start("ingest", "1", { traceRatio: 1 }, log);
  expect(tracing.sample()).toBe(false);
  expect(tracing.record({ ...sent, name: "frame", startMs: 0, endMs: 1 })).toBeUndefined();
  await tracing.stop();
});

test("spans reach an OTLP collector, with their stages, times and parent", async () => {
  const collector = await TraceCollector.start();
  try {
    const traceEndpoint = `${collector.endpoint}/`;
    const ingest = await Tracing.start("ingest", "1", { traceEndpoint, traceRatio: 1 }, log);
    const inference = await Tracing.start("inference", "1", { traceEndpoint, traceRatio: 0 }, log);
    expect(ingest.sample()).toBe(true);
    expect(inference.sample()).toBe(false);
    const startMs = 1_700_000_000_000;
    const stages = [
      { name: "decode", durationMs: 4 },
      { name: "queue", durationMs: 6 },
    ];
    const parent = ingest.record({ ...sent, name: "ingest", startMs, endMs: startMs + 10, stages });
    inference.record({ ...worked, name: "inference", startMs: startMs + 10, endMs: startMs + 30 }, parent);
    await Promise.all([ingest.stop(), inference.stop()]);
    const received = collector.spans;
    const byName = new Map(received.map((span) => [span.name, span]));
    expect([...byName.keys()].sort()).toEqual(["decode", "inference", "ingest", "queue"]);
    const root = byName.get("ingest")!;
    expect(root.parentSpanId).toBe("");
    expect(new Set(received.map(({ traceId }) => traceId))).toEqual(new Set([traceIdOf(parent)]));
    for (const name of ["decode", "queue", "inference"])
      expect(byName.get(name)!.parentSpanId).toBe(root.spanId);
    expect(byName.get("queue")).toMatchObject({ startMs: startMs + 4, endMs: startMs + 10 });
    const messaging = { "messaging.system": "nats", "messaging.destination.name": "frames.get.a" };
    expect(root).toMatchObject({
      kind: "producer",
      attributes: { ...messaging, "messaging.operation.type": "send" },
    });
    expect(byName.get("inference")).toMatchObject({
      kind: "consumer",
      attributes: { ...messaging, "messaging.operation.type": "process" },
    });
    expect(byName.get("queue")).toMatchObject({ kind: "internal", attributes: {} });
    const services = new Set(received.map(({ service }) => service));
    expect([...services].sort()).toEqual(["sightline-inference", "sightline-ingest"]);
  } finally {
    collector.stop();
  }
});

test("what is no trace context begins a new trace", async () => {
  const tracing = await Tracing.start("x", "1", { traceEndpoint: "http://127.0.0.1:9", traceRatio: 1 }, log);
  const known = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const span = { ...sent, name: "x", startMs: 0, endMs: 1 };
  expect(traceIdOf(tracing.record(span, known))).toBe("0af7651916cd43dd8448eb211c80319c");
  for (const wrong of ["", "00-xyz", `${known}-extra`])
    expect(traceIdOf(tracing.record(span, wrong))).toMatch(/^[0-9a-f]{32}$/);
  expect(traceIdOf(undefined)).toBeUndefined();
});
