import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type {
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedHandleCall,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { ReflectionService } from "@grpc/reflection";

// biome-ignore lint/suspicious/noExplicitAny: the library's own messages, which only it reads
type Method = MethodDefinition<any, any>;

/** A method as the library adds it to a server. */
interface Reflecting {
  definition: Method;
  handler: (...call: unknown[]) => void;
}

/**
 * Adds the reflection services. The library, which reads and encodes all descriptors, is loaded with the first call: that was a tenth of the
 * processor time of the start, and few ever ask. The methods are named here as the library has them.
 */
export function addReflection(server: Pick<Server, "addService">): void {
  let made: Map<string, Reflecting> | undefined;
  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const method = () => {
      made ??= loadReflection();
      return made.get(path)!;
    };
    const definition: Method = {
      path,
      requestStream: true,
      responseStream: true,
      requestSerialize: (request) => method().definition.requestSerialize(request),
      requestDeserialize: (bytes) => method().definition.requestDeserialize(bytes),
      responseSerialize: (response) => method().definition.responseSerialize(response),
      responseDeserialize: (bytes) => method().definition.responseDeserialize(bytes),
    };
    const handler = (...call: unknown[]) => method().handler(...call);
    server.addService(
      { ServerReflectionInfo: definition },
      { ServerReflectionInfo: handler as unknown as UntypedHandleCall },
    );
  }
}

/** The library's methods by their paths. It is loaded at once: requests are decoded where nothing can be awaited. */
function loadReflection(): Map<string, Reflecting> {
  const library: typeof import("@grpc/reflection") = createRequire(import.meta.url)("@grpc/reflection");
  const methods = new Map<string, Reflecting>();
  const addService = (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
    for (const [name, definition] of Object.entries(service))
      methods.set(definition.path, {
        definition,
        handler: handlers[name] as unknown as Reflecting["handler"],
      });
  };
  createReflection(library).addToServer({ addService } as unknown as Server);
  return methods;
}

/**
 * The reflection service for Sightline's API and health checking. It serves the descriptors that buf compiled (`pnpm generate`):
 * proto-loader's descriptors lack imports and map entries (grpc/grpc-node#2595), so strict clients such as grpcurl refuse them.
 */
function createReflection(library: typeof import("@grpc/reflection")): ReflectionService {
  const files = ["sightline.binpb", "health.binpb"].flatMap((name) =>
    readDescriptorSet(readFileSync(new URL(`../gen/${name}`, import.meta.url))),
  );
  // ReflectionService only reads the files that each member of a package definition names.
  const definition = { all: { fileDescriptorProtos: files } };
  return new library.ReflectionService(
    definition as unknown as ConstructorParameters<typeof library.ReflectionService>[0],
  );
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
