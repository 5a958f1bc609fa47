import { expect, test } from "vitest";
import { annotationSvg, classColor } from "./annotation-svg.ts";

const box = { xMin: 0.25, yMin: 0.5, xMax: 0.75, yMax: 1 };

test("a box lies inside its bounds, its label above it in the class's colour", () => {
  const svg = annotationSvg(240, 240, [{ classId: 3, label: "I", box }]);
  const color = `rgb(${classColor(3).join(",")})`;
  expect(svg).toContain(
    `<rect x="61" y="121" width="118" height="118" fill="none" stroke="${color}" stroke-width="2"/>`,
  );
  expect(svg).toContain(`<rect x="60" y="111" width="7" height="9" fill="${color}"/>`);
  // The glyph I: three dots, five rows of one, three dots.
  expect(svg.match(/M\d+ \d+h1v1h-1z/g)).toHaveLength(11);
});

test("nothing of a label's text gets into the markup", () => {
  const svg = annotationSvg(640, 480, [{ classId: 0, label: `"/><script>alert(1)</script>`, box }]);
  expect(svg).not.toContain("script");
  expect(svg.match(/<[a-z]+/g)).toEqual(["<svg", "<rect", "<path", "<rect"]);
});

test("boxes outside the picture, without area or no numbers at all give a drawing within it", () => {
  for (const odd of [
    { xMin: -5, yMin: -5, xMax: 9, yMax: 9 },
    { xMin: 0.5, yMin: 0.5, xMax: 0.5, yMax: 0.5 },
    { xMin: Number.NaN, yMin: 0, xMax: Number.NaN, yMax: 1 },
  ]) {
    const svg = annotationSvg(100, 80, [{ classId: 1, label: "x".repeat(500), box: odd }]);
    expect(svg).not.toMatch(/NaN|"-/);
    for (const [, x, y, width, height] of svg.matchAll(
      /x="([^"]+)" y="([^"]+)" width="([^"]+)" height="([^"]+)" fill="none"/g,
    )) {
      expect(Number(x) + Number(width)).toBeLessThanOrEqual(101);
      expect(Number(y) + Number(height)).toBeLessThanOrEqual(81);
    }
  }
});

test("a track's sign has a glyph of its own", () => {
  const dots = (label: string) =>
    annotationSvg(240, 240, [{ classId: 0, label, box }]).match(/h1v1h-1z/g)?.length;
  expect(dots("#")).toBe(20);
  // The glyph of what has none: a box.
  expect(dots("\u{1f600}")).toBe(20);
  expect(annotationSvg(240, 240, [{ classId: 0, label: "#", box }])).not.toBe(
    annotationSvg(240, 240, [{ classId: 0, label: "\u{1f600}", box }]),
  );
});

test("classes next to each other differ in colour", () => {
  const colors = Array.from({ length: 80 }, (_, id) => classColor(id).join());
  expect(new Set(colors).size).toBe(80);
});
