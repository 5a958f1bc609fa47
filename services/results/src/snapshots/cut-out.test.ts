import sharp from "sharp";
import { expect, test } from "vitest";
import { cutOutJpeg, cutOutOf } from "./cut-out.ts";

const [width, height] = [1080, 1920];
const box = (xMin: number, yMin: number, xMax: number, yMax: number) => ({ box: { xMin, yMin, xMax, yMax } });

test("a square of one and a half boxes is cut out, within the picture, and never less than the box", () => {
  expect(cutOutOf(1000, 1000, box(0.4, 0.4, 0.6, 0.5))).toEqual({
    left: 350,
    top: 300,
    width: 300,
    height: 300,
  });
  expect(cutOutOf(1000, 1000, box(0, 0.9, 0.1, 1))).toEqual({ left: 0, top: 850, width: 150, height: 150 });
  expect(cutOutOf(width, height, box(0.4, 0, 0.6, 1))).toEqual({ left: 0, top: 0, width, height });
});

test("what is cut out shows the object; without a box it is the whole picture, small", async () => {
  const object = await sharp({ create: { width: 200, height: 200, channels: 3, background: "red" } })
    .png()
    .toBuffer();
  const jpeg = await sharp({ create: { width, height, channels: 3, background: "blue" } })
    .composite([{ input: object, left: 700, top: 1500 }])
    .jpeg()
    .toBuffer();
  const found = box(700 / width, 1500 / height, 900 / width, 1700 / height);
  const cut = await cutOutJpeg({ jpeg, width, height }, [found]);
  const { data, info } = await sharp(cut).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width: 256, height: 256 });
  const isRed = (x: number, y: number) => data[3 * (y * 256 + x)]! > 200;
  expect([isRed(128, 128), isRed(55, 55), isRed(200, 200), isRed(20, 128), isRed(235, 128)]).toEqual([
    true,
    true,
    true,
    false,
    false,
  ]);
  expect(await sharp(await cutOutJpeg({ jpeg, width, height }, [])).metadata()).toMatchObject({
    width: 144,
    height: 256,
  });
});
