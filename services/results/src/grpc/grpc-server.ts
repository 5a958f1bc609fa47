import { readFileSync } from "node:fs";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import {
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { limits } from "@sightline/contracts";
import type { ServerCertificate } from "@sightline/service";
import { HealthImplementation } from "grpc-health-check";
import type { GrpcCalls } from "./grpc-calls.ts";
import { withDecodedRequests, withUndecodable } from "./method-codecs.ts";

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
    createReflection().addToServer(library);
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

/**
 * The reflection service for Sightline's API and health checking. It serves the descriptors that buf compiled (`pnpm generate`):
 * proto-loader's descriptors lack imports and map entries (grpc/grpc-node#2595), so strict clients such as grpcurl refuse them.
 */
export function createReflection(): ReflectionService {
  const files = ["sightline.binpb", "health.binpb"].flatMap((name) =>
    readDescriptorSet(readFileSync(new URL(`../gen/${name}`, import.meta.url))),
  );
  // ReflectionService only reads the files that each member of a package definition names.
  const definition = { all: { fileDescriptorProtos: files } };
  return new ReflectionService(definition as unknown as ConstructorParameters<typeof ReflectionService>[0]);
}

/** The files of a google.protobuf.FileDescriptorSet, each with its bytes from the set. */
function readDescriptorSet(data: Uint8Array): Buffer[] {
  const reader = new BinaryReader(data);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) files.push(Buffer.from(reader.bytes()));
    else reader.skip(wireType, field);
  }
  return files;
}
