/** Subscribes many times over real gRPC, and checks of every message only its number and its age. */
import { credentials, Metadata } from "@grpc/grpc-js";
import { DetectionServiceClient, DetectionServiceService } from "@sightline/contracts/api";
import { wallClockMs } from "@sightline/service/clock";
import { peekFrame } from "./bench-frame.ts";
import { answerCounts, benchSettings, type Usage } from "./bench-process.ts";
import { quantile } from "./measure.ts";
import type { Security } from "./subscriber-servers.ts";

export interface SubscriberSettings {
  address: string;
  subscribers: number;
  /** HTTP/2 connections that the subscribers share. */
  connections: number;
  mode: "live" | "newest";
  /** By TLS and with a token, on a server with users. */
  secure?: Security | undefined;
}

export interface SubscriberCounts extends Usage {
  /** Messages that came, of all subscribers. */
  received: number;
  /** Those among them with a higher number than the one before. */
  inTurn: number;
  /** Since the counts before. */
  latencyMs: { p50: number; p99: number };
  messageBytes: number;
}

if (import.meta.main) {
  const { address, subscribers, connections, mode, secure } = benchSettings<SubscriberSettings>();
  const clients = Array.from(
    { length: connections },
    () =>
      new DetectionServiceClient(
        address,
        secure ? credentials.createSsl(Buffer.from(secure.certificate)) : credentials.createInsecure(),
        {
          "grpc.use_local_subchannel_pool": 1,
        },
      ),
  );
  const { path, requestSerialize } = DetectionServiceService.subscribeDetections;
  const metadata = new Metadata();
  if (secure) metadata.set("authorization", `Bearer ${secure.token}`);
  const request = {
    cameras: [],
    classes: [],
    minScore: 0,
    includeEmpty: true,
    start: mode === "newest" ? { position: { $case: "newest" as const, value: true } } : undefined,
    progress: false,
  };
  let received = 0;
  let inTurn = 0;
  let messageBytes = 0;
  let latencies: number[] = [];
  const subscribe = async (client: DetectionServiceClient) => {
    let last = 0;
    const call = client.makeServerStreamRequest(
      path,
      requestSerialize,
      (message: Buffer) => message,
      request,
      metadata,
      {},
    );
    call.on("data", (message: Buffer) => {
      const frame = peekFrame(message);
      if (!frame) return;
      const { number, capturedAt } = frame;
      received++;
      if (number > last) inTurn++;
      last = number;
      messageBytes = message.byteLength;
      latencies.push(wallClockMs() - capturedAt);
    });
    await new Promise<void>((resolve, reject) => {
      call.once("metadata", () => resolve());
      call.on("error", reject);
    });
  };
  await Promise.all(Array.from({ length: subscribers }, (_, i) => subscribe(clients[i % connections]!)));
  answerCounts(() => {
    const rounded = (q: number) => Math.round(quantile(latencies, q) * 10) / 10;
    const latencyMs = { p50: rounded(0.5), p99: rounded(0.99) };
    latencies = [];
    return { received, inTurn, latencyMs, messageBytes };
  });
}
