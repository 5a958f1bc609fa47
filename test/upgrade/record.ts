/** Keeps what today's tests need of the last version's contracts, by its own code: `node test/upgrade/record.ts`, after `lastVersion` has changed. */
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import { projectRoot } from "@sightline/stack";
import { z } from "zod";
import { filledMessages } from "./filled-message.ts";
import {
  descriptorsFile,
  frameHandle,
  frameSide,
  type Json,
  type Kept,
  keptFile,
  protobufMessages,
  typesIn,
} from "./kept.ts";
import { LastVersion, lastVersion } from "./last-version.ts";
import { messages } from "./messages.ts";

const last = LastVersion.layOut();
try {
  const contracts = join(last.root, "packages/contracts");
  const buf = join(projectRoot, "node_modules/.bin/buf");
  execFileSync(buf, [
    "build",
    contracts,
    "--as-file-descriptor-set",
    "--exclude-source-info",
    "-o",
    descriptorsFile,
  ]);
  const types = typesIn(descriptorsFile);
  // biome-ignore lint/suspicious/noExplicitAny: the module of another version
  const code: any = { ...(await import(join(contracts, "src/index.ts"))), ...(await importApi(contracts)) };

  const json: Kept["json"] = {};
  for (const [name, samples] of Object.entries(messages)) {
    const schema = z.toJSONSchema(code[name], { unrepresentable: "any" }) as Json;
    const written = samples.map((sample) =>
      Buffer.from(code.encodeJson(code[name].parse(sample))).toString(),
    );
    json[name] = { schema, messages: written };
  }

  const protobuf: Kept["protobuf"] = {};
  for (const name of protobufMessages) {
    const type = types.getMessage(`sightline.v1.${name}`)!;
    protobuf[name] = filledMessages(type, types).map((filled) => {
      const wanted = toBinary(type, fromJson(type, filled as never));
      const bytes: Uint8Array = code[name].encode(code[name].decode(wanted)).finish();
      return {
        bytes: Buffer.from(bytes).toString("base64"),
        meaning: toJson(type, fromBinary(type, bytes)) as Json,
      };
    });
  }

  const side = frameSide;
  const metadata = code.FrameMetadata.fromPartial({
    ...{ camera: "cameras/front", epoch: "0a", number: 4, previousNumber: 3, width: side, height: side },
    ...{ pixelFormat: code.PixelFormat.GBRP, sourceWidth: 64, sourceHeight: 64 },
    letterbox: { left: 0, top: 1, width: side, height: side - 2 },
    captureTime: { seconds: 1_772_359_200, nanos: 500_000_000 },
  });
  const whole = new Uint8Array(code.frameMessageBytes(side, side)).fill(7, code.limits.frameHeaderBytes);
  code.writeFrameHeader(whole, metadata);
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  const kept: Kept = {
    version: lastVersion,
    json,
    protobuf,
    frame: {
      metadata: base64(code.FrameMetadata.encode(metadata).finish()),
      whole: base64(whole),
      handle: base64(code.encodeFrameHandle(metadata, frameHandle)),
    },
    permissions: code.natsPermissions,
    streams: Object.values(code.streams),
    buckets: Object.values(code.buckets),
  };
  writeFileSync(keptFile, `${JSON.stringify(kept, undefined, 1)}\n`);
} finally {
  last.remove();
}

/** Messages of the gRPC API have an entry of their own; earlier versions have them in the index. */
async function importApi(contracts: string): Promise<object> {
  const file = join(contracts, "src/api.ts");
  return existsSync(file) ? import(file) : {};
}
