import { RecentPictures } from "@sightline/recording";
import { numberedVideo, sentPictures } from "@sightline/recording/testing";
import { createLogger } from "@sightline/service";
import sharp from "sharp";
import { expect, onTestFinished, test } from "vitest";
import type { DecodeOptions } from "./decode-picture.ts";
import { PictureDecoder, type PictureDecoderName } from "./picture-decoder.ts";

const ffmpeg = { path: process.env.FFMPEG_PATH ?? "ffmpeg", memoryMib: 2048 };
const options: DecodeOptions = {
  ...{ interlaced: false, orientation: 1, masks: [], maxWidth: undefined, quality: 80 },
  signal: AbortSignal.timeout(120_000),
};

/** A decoder, what decoded its pictures, and what it has logged of them. */
function start(entry?: URL, program = ffmpeg) {
  const used: PictureDecoderName[] = [];
  const warnings: unknown[] = [];
  const log = { ...createLogger("test", "fatal"), warn: (fields: unknown) => warnings.push(fields) };
  const decoder = new PictureDecoder(program, (name) => used.push(name), log as never, entry);
  onTestFinished(() => decoder.stop());
  return { decoder, used, warnings };
}

async function pictureOf(encode: string[] = []) {
  const clip = await numberedVideo({ seconds: 1, encode });
  const recent = new RecentPictures("H264", { maxAgeMs: 1e9, cameraBytes: () => 1e9 });
  const pictures = sentPictures(clip);
  for (const picture of pictures) recent.push(picture);
  return recent.find(pictures[3]!.arrivedAt)!;
}

test("pictures of two fields are made whole by an ffmpeg, all others decoded by the process that is kept", async () => {
  const { decoder, used, warnings } = start();
  const fields = await pictureOf(["-flags", "+ilme+ildct", "-bf", "0"]);
  await decoder.decode("cameras/a", { id: 1 }, fields, { ...options, interlaced: true });
  await decoder.decode("cameras/b", { id: 2 }, await pictureOf(), options);
  expect(used).toEqual(["ffmpeg_interlaced", "kept"]);
  expect(warnings).toEqual([]);
});

test("where the process cannot run, an ffmpeg decodes each picture; it is said once", async () => {
  const { decoder, used, warnings } = start(new URL("not-installed.ts", import.meta.url));
  const picture = await pictureOf();
  for (let i = 0; i < 3; i++) {
    const { data } = await decoder.decode("cameras/a", { id: 1 }, picture, options);
    expect(await sharp(data).metadata()).toMatchObject({ format: "jpeg", width: 384, height: 128 });
  }
  expect(used).toEqual(["ffmpeg_unavailable", "ffmpeg_unavailable", "ffmpeg_unavailable"]);
  expect(warnings).toMatchObject([{ err: { message: expect.stringContaining("not-installed") } }]);
});

test("a connection on whose pictures the process dies gets them from ffmpeg, others go on with a new process", async () => {
  const { decoder, used, warnings } = start();
  const picture = await pictureOf();
  const [fatal, other] = [{ id: 1 }, { id: 2 }];
  for (let i = 0; i < 2; i++) {
    await decoder.decode("cameras/b", other, picture, options);
    process.kill(decoder.pid!, "SIGSTOP");
    const asked = decoder.decode("cameras/a", fatal, picture, options);
    process.kill(decoder.pid!, "SIGKILL");
    expect(await sharp((await asked).data).metadata()).toMatchObject({ width: 384 });
  }
  await decoder.decode("cameras/a", fatal, picture, options);
  await decoder.decode("cameras/b", other, picture, options);
  expect(used).toEqual(["kept", "ffmpeg_failed", "kept", "ffmpeg_failed", "ffmpeg_failed", "kept"]);
  expect(warnings).toMatchObject([{ camera: "cameras/a" }]);
});

test("a connection on whose pictures the process hangs gets them from ffmpeg; who waits beside it does not", async () => {
  const { decoder, used, warnings } = start();
  const picture = await pictureOf();
  const [hanging, other] = [{ id: 1 }, { id: 2 }];
  for (let i = 0; i < 2; i++) {
    await decoder.decode("cameras/b", other, picture, options);
    process.kill(decoder.pid!, "SIGSTOP");
    const hurried = { ...options, signal: AbortSignal.timeout(200) };
    await expect(decoder.decode("cameras/a", hanging, picture, hurried)).rejects.toThrow(/timeout/);
    // Until the process is killed, since it has not answered.
    await decoder.decode("cameras/b", other, picture, options);
  }
  await decoder.decode("cameras/a", hanging, picture, options);
  await decoder.decode("cameras/b", other, picture, options);
  expect(used).toEqual(["kept", "ffmpeg_failed", "kept", "ffmpeg_failed", "ffmpeg_failed", "kept"]);
  expect(warnings).toMatchObject([{ camera: "cameras/a" }]);
});

test("a picture that nothing can decode is not held against the process", async () => {
  const { decoder, used, warnings } = start();
  const whole = await pictureOf();
  const garbage = {
    ...whole,
    pictures: whole.pictures.map((each) => ({ ...each, data: Buffer.alloc(99, 7) })),
  };
  const stream = { id: 1 };
  for (let i = 0; i < 3; i++)
    await expect(decoder.decode("cameras/a", stream, garbage, options)).rejects.toMatchObject({
      code: "picture_undecodable",
    });
  await decoder.decode("cameras/a", stream, whole, options);
  expect(used).toEqual(["kept"]);
  expect(warnings).toEqual([]);
});
