import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { CameraServiceClient, DetectionServiceClient, limits } from "@sightline/contracts";
import { Cameras } from "./cameras.ts";
import { Detections } from "./detections.ts";
import { SightlineError } from "./errors.ts";

export interface ConnectOptions {
  /** How to authenticate the connection; plain text unless given. */
  credentials?: ChannelCredentials;
}

/** A connection to a Sightline server. */
export class SightlineClient {
  readonly cameras: Cameras;
  readonly detections: Detections;
  readonly #channels: { close(): void }[];
  readonly #ready: (deadline: Date) => Promise<void>;

  constructor(address: string, options: ConnectOptions) {
    const secure = options.credentials ?? credentials.createInsecure();
    const channel: ClientOptions = {
      "grpc.max_receive_message_length": 2 * limits.maxGrpcMessageBytes,
      "grpc.keepalive_time_ms": 30_000,
      "grpc.keepalive_timeout_ms": 10_000,
      // A server that was away is found again within a second.
      "grpc.initial_reconnect_backoff_ms": 200,
      "grpc.max_reconnect_backoff_ms": 1_000,
    };
    const cameras = new CameraServiceClient(address, secure, channel);
    const detections = new DetectionServiceClient(address, secure, channel);
    this.cameras = new Cameras(cameras);
    this.detections = new Detections(detections);
    this.#channels = [cameras, detections];
    this.#ready = (deadline) =>
      new Promise((resolve, reject) =>
        cameras.waitForReady(deadline, (error) =>
          error
            ? reject(new SightlineError("UNAVAILABLE", `no server answers at ${address}`, { cause: error }))
            : resolve(),
        ),
      );
  }

  /** Waits until the server takes calls. @throws SightlineError UNAVAILABLE after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    await this.#ready(new Date(Date.now() + timeoutMs));
  }

  /** Ends the connection and every call on it. Safe to call twice. */
  close(): void {
    for (const channel of this.#channels.splice(0)) channel.close();
  }
}

/** Connects to a server at `HOST:PORT`; the connection is made when it is first needed, and made anew when lost. */
export function connect(address: string, options: ConnectOptions = {}): SightlineClient {
  return new SightlineClient(address, options);
}
