import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createFileRegistry, type FileRegistry, fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";

/** What `record.ts` has kept of the last version. */
export interface Kept {
  version: string;
  /** By schema: its JSON Schema, and messages as the last version writes them. */
  json: Record<string, { schema: Json; messages: string[] }>;
  /** By type: messages as the last version writes them (base64), and what they say. */
  protobuf: Record<string, { bytes: string; meaning: Json }[]>;
  /** Frames on their way to a worker, in base64: the whole one, and the handle of one in shared memory; and the metadata, encoded. */
  frame: { metadata: string; whole: string; handle: string };
  permissions: Record<string, { publish: string[]; subscribe: string[] }>;
  streams: string[];
  buckets: string[];
}

export type Json = { [key: string]: unknown };

/** Messages of protobuf that cross NATS or are stored there. */
export const protobufMessages = [
  ...["FrameMetadata", "FrameDetections", "TimelineEntry", "Event", "DeadLetter"],
  ...["CameraStatus", "CameraRules", "Subscription", "EventReview"],
] as const;

/** Of the frames in `Kept`, in pixels. */
export const frameSide = 8;
export const frameHandle = { arena: "arena-1", offset: 4096, generation: 9, bytes: 3 * frameSide ** 2 };

export const keptFile = join(import.meta.dirname, "last-version.json");
export const descriptorsFile = join(import.meta.dirname, "last-version.binpb");

export function readKept(): Kept {
  return JSON.parse(readFileSync(keptFile, "utf8"));
}

/** The types of a file of descriptors. */
export function typesIn(path: string): FileRegistry {
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(path)));
}
