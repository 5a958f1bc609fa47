import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits, PixelFormat } from "@sightline/contracts";
import { createLogger } from "@sightline/service";
import sharp from "sharp";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { FrameBuffers } from "../frame-buffers.ts";
import { PictureDecoder } from "./picture-decoder.ts";
import { Pictures } from "./pictures.ts";

const directory = mkdtempSync(join(tmpdir(), "sightline-pictures-"));
const hanging = join(directory, "ffmpeg");
writeFileSync(hanging, "#!/bin/sh\nexec sleep 600\n");
chmodSync(hanging, 0o755);

afterAll(() => rmSync(directory, { recursive: true }));

test("a decoder that does not come to an end: the model's frame takes its place, as it was when it was asked for", async () => {
  const memory = { maxAgeMs: 1_000, cameraBytes: 1e7, processBytes: 1e7 };
  const log = createLogger("test", "fatal");
  const decoder = new PictureDecoder({ path: hanging, memoryMib: 0 }, () => undefined, log);
  onTestFinished(() => decoder.stop());
  const pictures = new Pictures(
    memory,
    decoder,
    () => 1,
    () => undefined,
    log,
  );
  const [width, height] = [64, 48];
  const buffers = new FrameBuffers(limits.frameHeaderBytes + 3 * width * height);
  const message = buffers.take().fill(200);
  const metadata = {
    ...{ camera: "cameras/front", epoch: "e", number: 7, captureTime: undefined, ptsUs: 0 },
    ...{ sourceWidth: 640, sourceHeight: 480, width, height, pixelFormat: PixelFormat.GBRP, decodeUs: 0 },
    letterbox: { left: 0, top: 0, width, height, scale: 0.1 },
  };
  const frame = { metadata, message, buffers, arrivedAt: 0, readyAt: 0 } as never;
  const picture = { data: Buffer.alloc(10), key: true, ptsUs: 0, arrivedAt: 0, captureMs: 0 };
  const decodable = { codec: "H264" as const, pictures: [picture as never], parameterSets: new Uint8Array() };
  const moment = {
    metadata,
    stream: { id: 1 },
    arrivedAt: 0,
    decodable,
    shape: { interlaced: false, orientation: 1, masks: [] },
  } as never;
  const asked = Array.from({ length: 12 }, () => pictures.answer({ number: 7 }, frame, moment));
  // The camera goes on: its buffer would be the next frame's.
  buffers.give(message);
  buffers.take().fill(0);
  for (const { answer, data } of await Promise.all(asked)) {
    expect(answer).toMatchObject({ ok: true, number: 7, width, height });
    const { data: pixels } = await sharp(data).raw().toBuffer({ resolveWithObject: true });
    expect(Math.abs(pixels[0]! - 200)).toBeLessThan(4);
  }
  // Nothing is left of the frame to take its place.
  expect(await pictures.answer({ number: 7 }, undefined, moment)).toMatchObject({
    answer: { ok: false, reason: "busy" },
  });
});
