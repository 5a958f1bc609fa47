import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { limits, PixelFormat } from "@sightline/contracts";
import { RecentPictures } from "@sightline/recording";
import { numberedVideo, sentPictures } from "@sightline/recording/testing";
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

/** A frame of the camera's 640×480 as the model saw it, grey, and the number of its camera's picture. */
function modelFrame() {
  const [width, height] = [64, 48];
  const buffers = new FrameBuffers(limits.frameHeaderBytes + 3 * width * height);
  const message = buffers.take().fill(200);
  const metadata = {
    ...{ camera: "cameras/front", epoch: "e", number: 7, captureTime: undefined, ptsUs: 0 },
    ...{ sourceWidth: 640, sourceHeight: 480, width, height, pixelFormat: PixelFormat.GBRP, decodeUs: 0 },
    letterbox: { left: 0, top: 0, width, height, scale: 0.1 },
  };
  return { ...{ metadata, message, buffers, width, height }, arrivedAt: 0, readyAt: 0 };
}

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
  const frame = modelFrame();
  const { metadata, message, buffers, width, height } = frame;
  const picture = { data: Buffer.alloc(10), key: true, ptsUs: 0, arrivedAt: 0, captureMs: 0 };
  const decodable = { codec: "H264" as const, pictures: [picture as never], parameterSets: new Uint8Array() };
  const moment = {
    metadata,
    stream: { id: 1 },
    arrivedAt: 0,
    decodable,
    shape: { interlaced: false, orientation: 1, masks: [] },
  } as never;
  const asked = Array.from({ length: 12 }, () => pictures.answer({ number: 7 }, frame as never, moment));
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

test("who asks for a picture gets the camera's own, though events have just had their share of decoding", async () => {
  const clip = await numberedVideo({ seconds: 1, rate: 25, size: [640, 480], encode: ["-bf", "0"] });
  const memory = { maxAgeMs: 1e9, cameraBytes: 1e9, processBytes: 1e9 };
  const log = createLogger("test", "fatal");
  const ffmpeg = { path: process.env.FFMPEG_PATH ?? "ffmpeg", memoryMib: 2048 };
  const decoder = new PictureDecoder(ffmpeg, () => undefined, log);
  onTestFinished(() => decoder.stop());
  const ignore = () => undefined;
  const pictures = new Pictures(memory, decoder, () => 1, ignore, log);
  const recent = new RecentPictures("H264", pictures.streamLimits);
  const sent = sentPictures(clip);
  for (const each of sent) recent.push(each);
  const frame = modelFrame();
  const moment = {
    ...{ metadata: frame.metadata, stream: { id: 1 }, arrivedAt: 0 },
    decodable: recent.find(sent[20]!.arrivedAt)!,
    shape: { interlaced: false, orientation: 1, masks: [] },
  } as never;
  // Without a frame to take its place, the picture of an event is decoded in any case.
  expect((await pictures.answer({ number: 7 }, undefined, moment)).answer).toMatchObject({ width: 640 });
  const asked = await pictures.answer({ number: 7, asked: true }, frame as never, moment);
  expect(asked.answer).toMatchObject({ ok: true, width: 640, height: 480 });
});
