import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { limits } from "@sightline/contracts";
import type { ServerCertificate } from "@sightline/service";
import { HealthImplementation } from "grpc-health-check";
import type { GrpcCalls } from "./grpc-calls.ts";
import { withDecodedRequests, withUndecodable } from "./method-codecs.ts";
import { addReflection } from "./reflection.ts";

/** How long calls may take to end when the server stops, in milliseconds. */
const drainMs = 3_000;

const serviceNames = [
  "sightline.v1.CameraService",
  "sightline.v1.DetectionService",
  "sightline.v1.RulesService",
  "sightline.v1.ModelService",
  "sightline.v1.EventService",
  "sightline.v1.SubscriptionService",
  "sightline.v1.RecordingService",
  "sightline.v1.AccessService",
  "sightline.v1.AuditService",
];

const options = {
  "grpc.max_receive_message_length": limits.maxGrpcMessageBytes,
  // A picture's envelope adds a few bytes.
  "grpc.max_send_message_length": limits.maxPictureBytes + 1024,
  "grpc.max_concurrent_streams": 1024,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Its counts are not used, but would be kept for every message.
  "grpc.enable_channelz": 0,
};

/** TLS with a certificate that may be replaced while the server runs. */
class CertificateCredentials extends ServerCredentials {
  constructor(certificate: ServerCertificate) {
    super({ requestCert: certificate.asksClients, rejectUnauthorized: false }, certificate.options);
    certificate.onChange((options) => this.updateSecureContextOptions(options));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

/** The gRPC server with standard health checking and reflection. */
export class GrpcServer {
  readonly #server = new Server(options);
  readonly #health = new HealthImplementation();
  readonly #calls: GrpcCalls;
  readonly #credentials: ServerCredentials;

  /** `calls` creates the handlers. Without a certificate the server uses plain text. */
  constructor(calls: GrpcCalls, certificate?: ServerCertificate) {
    this.#calls = calls;
    this.#credentials = certificate
      ? new CertificateCredentials(certificate)
      : ServerCredentials.createInsecure();
    const library = withDecodedRequests(this.#server);
    this.#health.addToServer(library);
    addReflection(library);
    this.setServing(false);
  }

  /** @throws when `calls` did not create a handler for its method, because such a handler would admit anybody */
  addService(definition: ServiceDefinition, implementation: UntypedServiceImplementation): void {
    for (const [key, { path }] of Object.entries(definition)) {
      const handler = implementation[key];
      if (handler && this.#calls.madeFor(handler) !== path.split("/").at(-1))
        throw new Error(`${path} is not guarded: make its handler by GrpcCalls, with its own name`);
    }
    this.#server.addService(withUndecodable(definition), implementation);
  }

  /** Sets the result of health checks, for the server and each service. */
  setServing(serving: boolean): void {
    for (const name of ["", ...serviceNames])
      this.#health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  }

  /** Binds to `HOST:PORT` (port 0 picks a free one) and returns the port. */
  async listen(address: string): Promise<number> {
    return new Promise((resolve, reject) =>
      this.#server.bindAsync(address, this.#credentials, (error, port) =>
        error
          ? reject(new Error(`gRPC cannot listen on ${address}: ${error.message}`, { cause: error }))
          : resolve(port),
      ),
    );
  }

  /** Accepts no more calls, ends the streams, and gives running calls a moment to finish. */
  async stop(): Promise<void> {
    this.setServing(false);
    const drained = new Promise<void>((resolve) => this.#server.tryShutdown(() => resolve()));
    this.#calls.endStreams();
    const limit = setTimeout(() => this.#server.forceShutdown(), drainMs);
    await drained;
    clearTimeout(limit);
  }
}
