import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import * as contracts from "@sightline/contracts";
import * as api from "@sightline/contracts/api";
import { projectRoot } from "@sightline/stack";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { filledMessages } from "./filled-message.ts";
import {
  descriptorsFile,
  frameHandle,
  frameSide,
  type Json,
  protobufMessages,
  readKept,
  typesIn,
} from "./kept.ts";
import { schemaChanges } from "./schema-changes.ts";

const kept = readKept();
const before = typesIn(descriptorsFile);
const now = typesIn(join(projectRoot, "services/results/src/gen/sightline.binpb"));
const schemaOf = (name: string) => (contracts as unknown as Record<string, z.ZodType>)[name]!;
const codecs = { ...contracts, ...api } as unknown as Record<string, typeof contracts.FrameDetections>;
const codecOf = (name: string) => codecs[name]!;
const typeOf = (types: typeof now, name: string) => types.getMessage(`sightline.v1.${name}`)!;

test("the gRPC API and all messages of protobuf break no client and no service of the last version", () => {
  const buf = join(projectRoot, "node_modules/.bin/buf");
  const found = spawnSync(buf, ["breaking", "packages/contracts", "--against", descriptorsFile], {
    ...{ cwd: projectRoot, encoding: "utf8" },
  });
  expect(found).toMatchObject({ stdout: "", stderr: "", status: 0 });
});

describe.each(protobufMessages)("%s", (name) => {
  test("as the last version wrote it says the same here", () => {
    for (const { bytes, meaning } of kept.protobuf[name]!) {
      const written = codecOf(name)
        .encode(codecOf(name).decode(Buffer.from(bytes, "base64")))
        .finish();
      expect(toJson(typeOf(now, name), fromBinary(typeOf(now, name), written))).toEqual(meaning);
    }
  });

  test("as this version writes it is read by the last, but for what that does not know", () => {
    for (const filled of filledMessages(typeOf(now, name), before)) {
      const wanted = toBinary(typeOf(now, name), fromJson(typeOf(now, name), filled as never));
      const written = codecOf(name).encode(codecOf(name).decode(wanted)).finish();
      const read = toJson(typeOf(before, name), fromBinary(typeOf(before, name), written));
      expect(toJson(typeOf(now, name), fromBinary(typeOf(now, name), written))).toMatchObject(read as object);
    }
  });
});

describe.each(Object.keys(kept.json))("%s", (name) => {
  const { messages } = kept.json[name]!;

  test("of the last version are read, with all that they say", () => {
    for (const message of messages)
      expect(contracts.decodeJson(schemaOf(name), Buffer.from(message))).toEqual(JSON.parse(message));
  });

  // A camera's record is left to those that know all of it: what is not known may be a mask.
  test.skipIf(name === "cameraRecordSchema")("of a later version are read, but for what is not known", () => {
    for (const message of messages) {
      const later = Buffer.from(JSON.stringify({ ...JSON.parse(message), addedLater: 1 }));
      expect(contracts.decodeJson(schemaOf(name), later)).toEqual(JSON.parse(message));
    }
  });
});

/**
 * The last version refuses a message with a field that it does not know. So each field that was added since stands here with the reason why that
 * does no harm while both versions run; a field that is missing here needs one, or a bucket of its own, as CameraShare has.
 */
const added: Record<string, string> = {
  "pictureRequestSchema.asked": "results asks again without it",
  "cameraRecordSchema.secondStages": "the same",
  "cameraSecretSchema.server": "only in entries of record streams, which the last version does not read",
  "recordingSegmentsSchema.segments[].audio": "only of cameras that record sound, which an operator sets",
  "workerInfoSchema.pixelFormat":
    "only of workers that read I420; services of the last version do not list the worker, and an ingest of it sends gbrp",
  "workerInfoSchema.unfetched": "only of uploaded models; results of the last version do not list the worker",
  "workerInfoSchema.secondStages":
    "results of the last version do not list the worker; no service of it needs that",
  "workerInfoSchema.sessions": "the same, of workers with several sessions, which an operator sets",
};

test("JSON messages of this version are read by the last, but for fields that are said here", () => {
  const changes = Object.entries(kept.json).flatMap(([name, { schema }]) =>
    schemaChanges(name, schema, z.toJSONSchema(schemaOf(name), { unrepresentable: "any" }) as Json),
  );
  expect(changes.sort()).toEqual(
    Object.keys(added)
      .map((path) => `${path} was added`)
      .sort(),
  );
});

test("frames go from one version to the other, whole and as handles", () => {
  const bytes = (base64: string) => new Uint8Array(Buffer.from(base64, "base64"));
  const whole = contracts.readFrameAnswer(bytes(kept.frame.whole));
  expect(whole.frame).toMatchObject({ camera: "cameras/front", number: 4, width: frameSide });
  expect(whole.pixels).toEqual(new Uint8Array(3 * frameSide ** 2).fill(7));
  expect(contracts.readFrameAnswer(bytes(kept.frame.handle)).pixels).toEqual(frameHandle);
  // And the same frame is written as the last version writes it.
  const metadata = contracts.FrameMetadata.decode(bytes(kept.frame.metadata));
  const written = new Uint8Array(contracts.frameMessageBytes(frameSide, frameSide)).fill(
    7,
    contracts.limits.frameHeaderBytes,
  );
  contracts.writeFrameHeader(written, metadata);
  expect(Buffer.from(written).toString("base64")).toBe(kept.frame.whole);
  const handle = contracts.encodeFrameHandle(metadata, frameHandle);
  expect(Buffer.from(handle).toString("base64")).toBe(kept.frame.handle);
});

test("streams and buckets of the last version are there, and NATS allows its services what it allowed", () => {
  expect(Object.values(contracts.streams)).toEqual(expect.arrayContaining(kept.streams));
  expect(Object.values(contracts.buckets)).toEqual(expect.arrayContaining(kept.buckets));
  for (const [identity, { publish, subscribe }] of Object.entries(kept.permissions)) {
    const allowed = contracts.natsPermissions[identity as contracts.NatsIdentity];
    expect(allowed.publish).toEqual(expect.arrayContaining(publish));
    expect(allowed.subscribe).toEqual(expect.arrayContaining(subscribe));
  }
});
