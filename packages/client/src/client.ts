import { type ChannelCredentials, type ClientOptions, credentials } from "@grpc/grpc-js";
import { CameraServiceClient, DetectionServiceClient, limits } from "@sightline/contracts";
import { Cameras } from "./cameras.ts";
import { Detections } from "./detections.ts";
import { SightlineError } from "./errors.ts";

export interface ConnectOptions {
  /** How to authenticate the connection; plain text unless given. */
  credentials?: ChannelCredentials;
}

const channelOptions: ClientOptions = {
  "grpc.max_receive_message_length": 2 * limits.maxGrpcMessageBytes,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // A server that was away is found again within a second.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 1_000,
};

/** HTTP/2 bounds what a connection may have in flight: a stream nobody reads would stall all others on it. */
const ownConnection: ClientOptions = { ...channelOptions, "grpc.use_local_subchannel_pool": 1 };

/** A client of a Sightline server. */
export class SightlineClient {
  readonly cameras: Cameras;
  readonly detections: Detections;
  readonly #address: string;
  readonly #calls: CameraServiceClient;
  readonly #closing = new AbortController();

  constructor(address: string, options: ConnectOptions) {
    const secure = options.credentials ?? credentials.createInsecure();
    this.#address = address;
    this.#calls = new CameraServiceClient(address, secure, channelOptions);
    const { signal } = this.#closing;
    const watching = { open: () => new CameraServiceClient(address, secure, ownConnection), closing: signal };
    const subscribing = {
      open: () => new DetectionServiceClient(address, secure, ownConnection),
      closing: signal,
    };
    this.cameras = new Cameras(this.#calls, watching);
    this.detections = new Detections(subscribing);
  }

  /** Waits until the server takes calls. @throws SightlineError UNAVAILABLE after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.#calls.waitForReady(new Date(Date.now() + timeoutMs), (cause) =>
        cause
          ? reject(new SightlineError("UNAVAILABLE", `no server answers at ${this.#address}`, { cause }))
          : resolve(),
      ),
    );
  }

  /** Ends every stream, then the connection. Safe to call twice. */
  close(): void {
    this.#closing.abort();
    this.#calls.close();
  }
}

/** Connects to a server at `HOST:PORT`; connections are made when first needed, and anew when lost. */
export function connect(address: string, options: ConnectOptions = {}): SightlineClient {
  return new SightlineClient(address, options);
}
