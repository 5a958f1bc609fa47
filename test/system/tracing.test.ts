import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PrometheusServer } from "./monitoring/prometheus-server.ts";
import { System } from "./system.ts";

interface Span {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  startMs: number;
  endMs: number;
}

/** An OTLP/HTTP collector that keeps what it is sent. */
class Collector {
  readonly spans: Span[] = [];
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.#keep(JSON.parse(Buffer.concat(chunks).toString()));
      response.setHeader("content-type", "application/json").end("{}");
    });
  }

  async start(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  // biome-ignore lint/suspicious/noExplicitAny: OTLP's JSON
  #keep(request: any): void {
    for (const { resource, scopeSpans } of request.resourceSpans) {
      const name = resource.attributes.find(({ key }: { key: string }) => key === "service.name");
      for (const span of scopeSpans.flatMap(({ spans }: { spans: unknown[] }) => spans))
        this.spans.push({
          service: name.value.stringValue,
          name: span.name,
          traceId: span.traceId,
          spanId: span.spanId,
          parentSpanId: span.parentSpanId ?? "",
          startMs: Number(BigInt(span.startTimeUnixNano) / 1000n) / 1000,
          endMs: Number(BigInt(span.endTimeUnixNano) / 1000n) / 1000,
        });
    }
  }
}

const collector = new Collector();
let system: System;
beforeAll(async () => {
  const endpoint = await collector.start();
  system = await System.start({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, SIGHTLINE_TRACE_RATIO: "1" });
}, 60_000);
afterAll(async () => {
  await system?.stop();
  collector.stop();
});

/** The spans of one frame that has gone all the way. */
function wholeTrace(): Span[] | undefined {
  const traces = Map.groupBy(collector.spans, ({ traceId }) => traceId);
  return [...traces.values()].find((spans) => new Set(spans.map(({ service }) => service)).size === 3);
}

test("a traced frame has one trace from capture to the analysis, through all three services", async () => {
  const cameras = await system.cameras(1);
  await system.register("front", { uri: cameras.url("camera-1") });
  await expect.poll(() => wholeTrace()?.length ?? 0).toBeGreaterThan(0);
  const spans = wholeTrace()!;
  const named = (name: string) => spans.find((span) => span.name === name)!;
  expect(spans.map(({ name }) => name).sort()).toEqual(
    ["ingest", "decode", "queue", "inference", "batch", "infer", "post", "track"].sort(),
  );
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
