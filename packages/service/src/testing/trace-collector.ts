import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A span as it was exported; times are wall clock milliseconds, to the microsecond. */
export interface CollectedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Empty for the root of a trace. */
  parentSpanId: string;
  startMs: number;
  endMs: number;
  kind: "internal" | "producer" | "consumer";
  /** Attributes with text values. */
  attributes: Record<string, string>;
}

/** Kinds of spans by their number in OTLP; others are not created here. */
const kinds: Record<number, CollectedSpan["kind"]> = { 1: "internal", 4: "producer", 5: "consumer" };

interface Attribute {
  key: string;
  value: { stringValue?: string };
}

/** The part of OTLP's JSON that is read. */
interface ExportRequest {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: {
        name: string;
        traceId: string;
        spanId: string;
        parentSpanId?: string;
        startTimeUnixNano: string;
        endTimeUnixNano: string;
        kind: number;
        attributes: Attribute[];
      }[];
    }[];
  }[];
}

/** An OTLP/HTTP collector of traces that keeps what it receives. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      if (request.url !== "/v1/traces") return void response.writeHead(404).end();
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      this.#keep(JSON.parse(Buffer.concat(chunks).toString()));
      response.setHeader("content-type", "application/json").end("{}");
    });
  }

  static async start(): Promise<TraceCollector> {
    const collector = new TraceCollector();
    collector.#server.listen(0, "127.0.0.1");
    await once(collector.#server, "listening");
    return collector;
  }

  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  #keep({ resourceSpans }: ExportRequest): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === "service.name")?.value.stringValue ?? "";
      for (const span of scopeSpans.flatMap(({ spans }) => spans)) {
        const { name, traceId, spanId, parentSpanId = "", startTimeUnixNano, endTimeUnixNano } = span;
        const startMs = milliseconds(startTimeUnixNano);
        const endMs = milliseconds(endTimeUnixNano);
        const attributes = Object.fromEntries(
          span.attributes.flatMap(({ key, value: { stringValue } }) =>
            stringValue === undefined ? [] : [[key, stringValue]],
          ),
        );
        const kind = kinds[span.kind]!;
        this.spans.push({ service, name, traceId, spanId, parentSpanId, startMs, endMs, kind, attributes });
      }
    }
  }
}

function milliseconds(nanoseconds: string): number {
  return Number(BigInt(nanoseconds) / 1000n) / 1000;
}
