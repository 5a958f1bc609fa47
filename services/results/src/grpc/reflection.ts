import { readFileSync } from "node:fs";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { ReflectionService } from "@grpc/reflection";

/**
 * The reflection service for Sightline's API and health checking. It serves the descriptors that buf compiled
 * (`pnpm generate`): those that proto-loader makes lack imports and map entries (grpc/grpc-node#2595), which strict
 * clients such as grpcurl refuse.
 */
export function createReflection(): ReflectionService {
  const files = ["sightline.binpb", "health.binpb"].flatMap((name) =>
    readDescriptorSet(readFileSync(new URL(`../gen/${name}`, import.meta.url))),
  );
  // All that ReflectionService reads of a package definition are the files that each of its members names.
  const definition = { all: { fileDescriptorProtos: files } };
  return new ReflectionService(definition as unknown as ConstructorParameters<typeof ReflectionService>[0]);
}

/** The files of a google.protobuf.FileDescriptorSet, each encoded as it is in the set. */
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
