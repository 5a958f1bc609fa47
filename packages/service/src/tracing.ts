import type { Context, Tracer } from "@opentelemetry/api";
import type { TracerProvider } from "@opentelemetry/sdk-trace";
import { setting } from "./config.ts";
import type { Logger } from "./log.ts";
import type { Stoppable } from "./run.ts";

/** NATS header that carries a frame's trace context (W3C Trace Context). */
export const traceHeader = "traceparent";

/** Tracing settings of every service. Without an endpoint nothing is traced, and no tracing code is loaded. */
export const tracingSettings = {
  traceEndpoint: {
    env: "OTEL_EXPORTER_OTLP_ENDPOINT",
    schema: setting.optionalHttpUrl(),
    help: "OTLP/HTTP endpoint for traces, such as http://127.0.0.1:4318; none turns tracing off",
  },
  traceRatio: {
    env: "SIGHTLINE_TRACE_RATIO",
    schema: setting.number(0.01, 0, 1),
    help: "share of frames that are traced, 0 to 1",
  },
} as const;

/** A span that has ended. Times are wall clock milliseconds. */
export interface FinishedSpan {
  name: string;
  startMs: number;
  endMs: number;
  /** Whether it sends a message or processes one that it received. */
  role: "producer" | "consumer";
  /** Subject of the message, and the same with placeholders, such as `detections.{camera}`. */
  subject: string;
  subjectTemplate: string;
  attributes?: Record<string, string | number>;
  /** Consecutive stages from the span's start; each becomes a child span. */
  stages?: readonly { name: string; durationMs: number }[];
}

interface Sdk {
  tracer: Tracer;
  provider: TracerProvider;
  api: typeof import("@opentelemetry/api");
}

/**
 * Spans of sampled frames. Each hop knows its times when it is done with a frame, so spans are recorded afterwards and nothing is kept in
 * between. Off unless an endpoint is set.
 */
export class Tracing implements Stoppable {
  readonly #sdk: Sdk | undefined;
  readonly #ratio: number;

  private constructor(sdk: Sdk | undefined, ratio: number) {
    this.#sdk = sdk;
    this.#ratio = ratio;
  }

  /** Loads the SDK when an endpoint is set. An endpoint that does not answer loses spans, never frames. */
  static async start(
    service: string,
    version: string,
    config: { traceEndpoint?: string | undefined; traceRatio: number },
    log: Logger,
  ): Promise<Tracing> {
    if (config.traceEndpoint === undefined) return new Tracing(undefined, 0);
    const [api, { BatchSpanProcessor, TracerProvider }, { OTLPTraceExporter }, { resourceFromAttributes }] =
      await Promise.all([
        import("@opentelemetry/api"),
        import("@opentelemetry/sdk-trace"),
        import("@opentelemetry/exporter-trace-otlp-http"),
        import("@opentelemetry/resources"),
      ]);
    const url = `${config.traceEndpoint.replace(/\/+$/, "")}/v1/traces`;
    const provider = new TracerProvider({
      resource: resourceFromAttributes({
        "service.name": `sightline-${service}`,
        "service.version": version,
        "service.namespace": "sightline",
      }),
      spanProcessors: [
        new BatchSpanProcessor({ exporter: new OTLPTraceExporter({ url }), scheduledDelayMillis: 1_000 }),
      ],
    });
    log.info({ url, ratio: config.traceRatio }, "tracing of frames is on");
    return new Tracing({ tracer: provider.getTracer("sightline"), provider, api }, config.traceRatio);
  }

  /** Whether spans are exported at all. */
  get enabled(): boolean {
    return this.#sdk !== undefined;
  }

  /** Decides whether a new frame is traced. */
  sample(): boolean {
    return this.#sdk !== undefined && Math.random() < this.#ratio;
  }

  /**
   * Records a span under `parent` (a `traceparent`), or as the root of a new trace, and returns its own `traceparent`; undefined
   * when tracing is off.
   */
  record(span: FinishedSpan, parent?: string): string | undefined {
    if (!this.#sdk) return undefined;
    const { api, tracer } = this.#sdk;
    const { startMs, endMs } = span;
    const kind = span.role === "producer" ? api.SpanKind.PRODUCER : api.SpanKind.CONSUMER;
    const attributes = { ...messaging(span), ...span.attributes };
    const options = { kind, startTime: startMs, attributes };
    const own = tracer.startSpan(span.name, options, parentContext(api, parent));
    const inside = api.trace.setSpan(api.ROOT_CONTEXT, own);
    let at = startMs;
    for (const { name, durationMs } of span.stages ?? []) {
      const child = tracer.startSpan(name, { startTime: at }, inside);
      at += durationMs;
      child.end(at);
    }
    own.end(endMs);
    const { traceId, spanId, traceFlags } = own.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
  }

  /** Sends the waiting spans. */
  async stop(): Promise<void> {
    await this.#sdk?.provider.shutdown();
  }
}

/** Attributes of OpenTelemetry's semantic conventions for messaging. */
function messaging({ role, subject, subjectTemplate }: FinishedSpan): Record<string, string> {
  return {
    "messaging.system": "nats",
    "messaging.operation.name": role === "producer" ? "publish" : "process",
    "messaging.operation.type": role === "producer" ? "send" : "process",
    "messaging.destination.name": subject,
    "messaging.destination.template": subjectTemplate,
  };
}

/** The trace id in a `traceparent`; undefined when it is not one. */
export function traceIdOf(traceparent: string | undefined): string | undefined {
  return parse(traceparent)?.traceId;
}

function parentContext(api: Sdk["api"], traceparent: string | undefined): Context {
  const parsed = parse(traceparent);
  return parsed
    ? api.trace.setSpanContext(api.ROOT_CONTEXT, { ...parsed, isRemote: true })
    : api.ROOT_CONTEXT;
}

function parse(traceparent: string | undefined) {
  const match = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(traceparent ?? "");
  if (!match) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, traceFlags: Number.parseInt(match[3]!, 16) };
}
