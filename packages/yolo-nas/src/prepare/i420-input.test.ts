/** The same model with I420 in front: it must see what a frame that was converted before shows. */
import { convertPixels, pixelBytes } from "@sightline/media";
import { expect, test } from "vitest";
import { hashedUniform } from "../../fixtures/hashed-weights.ts";
import { architecture } from "../architecture/architectures.ts";
import { buildModel } from "../architecture/build-model.ts";
import { InvalidArgumentError } from "../errors.ts";
import { encodeModel, type OnnxGraph } from "../onnx/index.ts";
import { DetectorSession } from "../runtime/detector-session.ts";
import { SeededWeights } from "../weights/seeded-weights.ts";
import { i420Input } from "./i420-input.ts";
import { prepareModel } from "./prepare-model.ts";
import { preparedMetadata } from "./prepared-form.ts";

const input = { width: 128, height: 96 };

function model(frame = input): OnnxGraph {
  const weights = new SeededWeights(3);
  return prepareModel(buildModel(architecture("yolo_nas_xs"), weights, { ...input, classes: ["a", "b"] }), {
    frame,
  });
}

/** Any bytes are a picture in I420: these have every luma and many colours that RGB has not. */
function anyFrame(name: string, size: { width: number; height: number }): Uint8Array {
  return Uint8Array.from(hashedUniform(name, pixelBytes(size, "i420")), (value) => Math.floor(value * 256));
}

test.each([
  ["frames of the model's size", input],
  ["smaller frames, which the graph pads", { width: 100, height: 90 }],
])("the network sees the colours of a frame that was converted before: %s", async (_, size) => {
  const planes = await DetectorSession.load(encodeModel(model(size)), { threads: 1 });
  const halves = await DetectorSession.load(encodeModel(model(size)), { threads: 1, pixelFormat: "i420" });
  expect(halves).toMatchObject({ pixelFormat: "i420", frame: size, frameBytes: planes.frameBytes / 2 });
  const frames = ["one", "two"].map((name) => anyFrame(name, size));
  const converted = frames.map((each) =>
    convertPixels(each, "i420", size, new Uint8Array(planes.frameBytes)),
  );
  const expected = await planes.run(Uint8Array.from(converted.flatMap((each) => [...each])), 2);
  const found = await halves.run(Uint8Array.from(frames.flatMap((each) => [...each])), 2);
  expect(found.scores).toEqual(expected.scores);
  expect(found.boxes).toEqual(expected.boxes);
  await Promise.all([planes.stop(), halves.stop()]);
});

test("whoever has planes G, B, R can use the session too", async () => {
  const halves = await DetectorSession.load(encodeModel(model()), { threads: 1, pixelFormat: "i420" });
  const grey = new Uint8Array(pixelBytes(input, "gbrp")).fill(114);
  const planes = await DetectorSession.load(encodeModel(model()), { threads: 1 });
  expect((await halves.runPlanes(grey)).scores).toEqual((await planes.runPlanes(grey)).scores);
  await Promise.all([planes.stop(), halves.stop()]);
});

test("the model says how it reads frames, and is not changed twice", () => {
  const changed = i420Input(model());
  expect(preparedMetadata(changed.metadata).pixelFormat).toBe("i420");
  expect(() => i420Input(changed)).toThrow(InvalidArgumentError);
});

test("odd sides cannot be halved", () => {
  expect(() => i420Input(model({ width: 99, height: 90 }))).toThrow("sides are even");
});
