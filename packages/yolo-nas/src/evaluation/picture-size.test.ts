import { expect, test } from "vitest";
import { pictureSize } from "./picture-size.ts";

const stream = "Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(progressive)";
const words = (video: string) => `Input #0, mov,mp4,m4a, from 'file:1024x768.mp4':
  Duration: 00:00:03.00, start: 0.000000, bitrate: 643 kb/s
  ${video}
  Stream #0:1: Video: png, rgb24, 300x300, 90k tbr (attached pic)
    Side data:
      displaymatrix: rotation of 90.00 degrees
At least one output file must be specified
`;

test("the size of the first video stream, and of no other", () => {
  expect(pictureSize(words(`${stream}, 768x576 [SAR 1:1 DAR 4:3], 10 fps`))).toEqual({
    width: 768,
    height: 576,
  });
  expect(pictureSize(words(`${stream}, 768x576, 10 fps`))).toEqual({ width: 768, height: 576 });
  expect(pictureSize("Stream #0:0: Audio: aac, 44100 Hz\n")).toBeUndefined();
  expect(pictureSize("moov atom not found\n")).toBeUndefined();
});

test.each([
  [90, true],
  [-90, true],
  [270, true],
  [180, false],
  [-180, false],
  [0, false],
])("a picture that is turned by %d° is as it is shown", (degrees, onItsSide) => {
  const text = words(
    `${stream}, 768x576, 10 fps\n    Side data:\n      displaymatrix: rotation of ${degrees}.00 degrees`,
  );
  expect(pictureSize(text)).toEqual(onItsSide ? { width: 576, height: 768 } : { width: 768, height: 576 });
});
