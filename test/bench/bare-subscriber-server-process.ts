/** A gRPC server that writes the same ready-made bytes to all who subscribe to detections. */
import { Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import {
  DetectionServiceService,
  type SubscribeDetectionsRequest,
  SubscribeDetectionsResponse,
} from "@sightline/contracts/api";
import { benchFrame } from "./bench-frame.ts";
import { answerCounts, benchSettings, onAsk } from "./bench-process.ts";
import { paced } from "./measure.ts";

export interface BareSettings {
  address: string;
}

/** As long as that of the results service. */
const cursor = "0123456789abcdef0123456789abcd";

if (import.meta.main) {
  const { address } = benchSettings<BareSettings>();
  const streams = new Set<ServerWritableStream<SubscribeDetectionsRequest, Buffer>>();
  const server = new Server();
  const { subscribeDetections } = DetectionServiceService;
  const definition = {
    subscribeDetections: { ...subscribeDetections, responseSerialize: (message: Buffer) => message },
  };
  server.addService(definition, {
    subscribeDetections(call: ServerWritableStream<SubscribeDetectionsRequest, Buffer>) {
      streams.add(call);
      call.on("cancelled", () => streams.delete(call));
      call.sendMetadata(call.metadata.clone());
    },
  });
  await new Promise<void>((resolve, reject) =>
    server.bindAsync(address, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    ),
  );
  onAsk(({ frames, rate }: { frames: number; rate: number }) =>
    paced(frames, rate, (number) => {
      const event = { $case: "frame" as const, value: benchFrame(number) };
      const message = Buffer.from(SubscribeDetectionsResponse.encode({ event, cursor }).finish());
      for (const stream of streams) stream.write(message);
    }),
  );
  answerCounts(() => ({}));
}
