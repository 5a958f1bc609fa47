import { annotatedBox, classColor } from "@sightline/annotate";
import { Detection } from "@sightline/contracts";
import sharp from "sharp";
import { expect, test } from "vitest";
import { annotateJpeg } from "./annotate-jpeg.ts";

const [width, height] = [320, 240];

async function grey(): Promise<Uint8Array> {
  const background = { r: 128, g: 128, b: 128 };
  return sharp({ create: { width, height, channels: 3, background } })
    .jpeg({ quality: 100 })
    .toBuffer();
}

async function pixelsOf(jpeg: Uint8Array) {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width, height, channels: 3 });
  return (x: number, y: number) => [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

function near(pixel: readonly number[], color: readonly number[]): boolean {
  return pixel.every((value, i) => Math.abs(value - color[i]!) < 48);
}

const detection = Detection.fromPartial({
  classId: 4,
  className: "person",
  score: 0.874,
  normalizedBox: { xMin: 0.25, yMin: 0.5, xMax: 0.5, yMax: 0.75 },
});

test("a box is drawn where the detection is, in its class's colour, and the rest of the picture stays", async () => {
  const drawn = await annotateJpeg({ jpeg: await grey(), width, height }, annotatedBox(detection, "abc-17"));
  const at = await pixelsOf(drawn);
  const color = classColor(4);
  for (const [x, y] of [
    [80, 150],
    [159, 150],
    [120, 120],
    [120, 179],
  ] as const)
    expect(near(at(x, y), color), `${x},${y}: ${at(x, y)}`).toBe(true);
  for (const [x, y] of [
    [120, 150],
    [60, 150],
    [200, 150],
    [120, 200],
    [10, 10],
  ] as const)
    expect(near(at(x, y), [128, 128, 128]), `${x},${y}: ${at(x, y)}`).toBe(true);
  // Above the box the label's bar, with dark dots in it.
  const bar = Array.from({ length: 90 }, (_, i) => at(81 + i, 115));
  expect(bar.filter((pixel) => near(pixel, color)).length).toBeGreaterThan(30);
  expect(bar.filter(([red = 0, green = 0, blue = 0]) => red + green + blue < 150).length).toBeGreaterThan(5);
});

test("without boxes the picture is given as it is", async () => {
  const jpeg = await grey();
  expect(await annotateJpeg({ jpeg, width, height }, [])).toBe(jpeg);
});

test("a label tells the class, the track's number and the score", () => {
  expect(annotatedBox(detection, "lxk2-17")[0]?.label).toBe("person #17 87%");
  expect(annotatedBox(detection, "")[0]?.label).toBe("person 87%");
  expect(annotatedBox({ ...detection, normalizedBox: undefined }, "")).toEqual([]);
});
