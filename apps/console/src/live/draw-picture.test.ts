import { expect, it } from "vitest";
import { classColor } from "./class-colors.ts";
import { labelText } from "./draw-picture.ts";

const box: [number, number, number, number] = [0, 0, 1, 1];

it("writes more at a box the larger the picture is", () => {
  const detection = { trackId: "mb3x9k-12", className: "person", score: 0.874, box };
  expect(labelText(detection, "full")).toBe("person #12 87%");
  const known = { ...detection, attributes: { colour: { value: "red", score: 0.9 } } };
  expect(labelText(known, "full")).toBe("person red #12 87%");
  expect(labelText(detection, "short")).toBe("person #12");
  expect(labelText(detection, "id")).toBe("#12");
});

it("names the class of what has no track", () => {
  const detection = { trackId: "", className: "dog", score: 0.5, box };
  expect(labelText(detection, "full")).toBe("dog 50%");
  expect(labelText(detection, "id")).toBe("dog");
});

it("gives a class the same colour each time, and common classes different ones", () => {
  expect(classColor("zebra")).toBe(classColor("zebra"));
  expect(new Set(["person", "car", "bicycle", "dog", "truck", "bus"].map(classColor)).size).toBe(6);
});
