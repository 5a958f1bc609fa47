import {
  type handleUnaryCall,
  Metadata,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from "@grpc/grpc-js";
import {
  type CameraServiceServer,
  DetectionServiceService,
  type SubscribeDetectionsRequest,
  type WatchCamerasRequest,
  type WatchCamerasResponse,
} from "@sightline/contracts";
import type { Logger } from "@sightline/service";
import type { CameraFeed } from "./camera-feed.ts";
import type { CameraService } from "./camera-service.ts";
import type { DetectionService } from "./detection-service.ts";
import { ApiError, toStatus } from "./errors.ts";

/** Is told how each call ended. */
export type CallObserver = (method: string, code: string) => void;

/** DetectionService whose answers are encoded already: one frame goes to many subscribers, but is encoded once. */
export const preEncodedDetectionService = {
  subscribeDetections: {
    ...DetectionServiceService.subscribeDetections,
    responseSerialize: (message: Buffer): Buffer => message,
  },
};

/** Turns service methods into gRPC handlers: the one place where errors become statuses. */
export class GrpcHandlers {
  readonly #log: Logger;
  readonly #observe: CallObserver;
  /** Ends each open stream. */
  readonly #streams = new Set<(error: unknown) => void>();

  constructor(log: Logger, observe: CallObserver) {
    this.#log = log;
    this.#observe = observe;
  }

  cameras(service: CameraService, feed: CameraFeed): CameraServiceServer {
    return {
      registerCamera: this.#unary("RegisterCamera", async (r) => ({ camera: await service.register(r) })),
      getCamera: this.#unary("GetCamera", async (r) => ({ camera: service.get(r) })),
      listCameras: this.#unary("ListCameras", async (r) => service.list(r)),
      updateCamera: this.#unary("UpdateCamera", async (r) => ({ camera: await service.update(r) })),
      deleteCamera: this.#unary("DeleteCamera", async (r) => {
        await service.delete(r);
        return {};
      }),
      watchCameras: (call) =>
        this.#stream<WatchCamerasRequest, WatchCamerasResponse>("WatchCameras", call, () => {
          const watcher = feed.watch((change, camera) => call.write({ change, camera }));
          return { drained: () => watcher.drained(), stop: () => feed.unwatch(watcher) };
        }),
    };
  }

  detections(service: DetectionService) {
    return {
      subscribeDetections: (call: ServerWritableStream<SubscribeDetectionsRequest, Buffer>) =>
        this.#stream("SubscribeDetections", call, () => service.subscribe(call.request, call)),
    };
  }

  /** Ends every open stream with UNAVAILABLE. */
  endStreams(): void {
    for (const end of [...this.#streams])
      end(new ApiError("stopping", "the server is stopping; call again when it is back"));
  }

  #unary<Request, Response>(
    method: string,
    run: (request: Request) => Promise<Response>,
  ): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback) => {
      run(call.request).then(
        (response) => {
          this.#observe(method, call.cancelled ? "CANCELLED" : "OK");
          callback(null, response);
        },
        (error) => {
          const outcome = toStatus(error, this.#log);
          this.#observe(method, status[outcome.code]);
          callback(outcome);
        },
      );
    };
  }

  #stream<Request, Response>(
    method: string,
    call: ServerWritableStream<Request, Response>,
    open: () => { drained(): void; stop(): void },
  ): void {
    let opened: ReturnType<typeof open> | undefined;
    let ended = false;
    const finish = (code: string) => {
      ended = true;
      opened?.stop();
      this.#streams.delete(end);
      this.#observe(method, code);
    };
    const end = (error: unknown) => {
      if (ended) return;
      const outcome = toStatus(error, this.#log);
      finish(status[outcome.code]);
      call.emit("error", outcome);
    };
    call.on("cancelled", () => {
      if (!ended) finish("CANCELLED");
    });
    this.#streams.add(end);
    try {
      opened = open();
      // Tells the client that it will miss nothing from here on.
      call.sendMetadata(new Metadata());
      call.on("drain", () => opened?.drained());
    } catch (error) {
      end(error);
    }
  }
}
