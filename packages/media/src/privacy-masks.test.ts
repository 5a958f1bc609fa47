import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { type MaskPolygon, maskRectangles, privacyFilters } from "./privacy-masks.ts";

/** Corners around the middle at growing angles, so that edges do not cross; the same each time. */
function star(seed: number): MaskPolygon {
  const corners = 3 + (seed % 9);
  return Array.from({ length: corners }, (_, i) => {
    const radius = 0.05 + 0.45 * Math.abs(Math.sin(seed * 12.9 + i * 78.2));
    const angle = 2 * Math.PI * ((i + 0.4 * Math.cos(seed + i)) / corners);
    return [0.5 + radius * Math.cos(angle), 0.5 + radius * Math.sin(angle)];
  });
}

function contains(polygon: MaskPolygon, x: number, y: number): boolean {
  let inside = false;
  for (const [index, [x1, y1]] of polygon.entries()) {
    const [x2, y2] = polygon[(index + 1) % polygon.length]!;
    if (y1 > y !== y2 > y && x < x1 + ((x2 - x1) * (y - y1)) / (y2 - y1)) inside = !inside;
  }
  return inside;
}

test("boxes cover all of a polygon, and no box reaches where its band has nothing of it", () => {
  for (let seed = 0; seed < 60; seed++) {
    const polygon = star(seed);
    const boxes = maskRectangles(polygon);
    for (let i = 0; i < 1600; i++) {
      const [x, y] = [((i % 40) + 0.5) / 40, (Math.floor(i / 40) + 0.5) / 40];
      const isCovered = boxes.some(
        ({ left, top, right, bottom }) => left <= x && x <= right && top <= y && y <= bottom,
      );
      if (contains(polygon, x, y)) expect(isCovered).toBe(true);
    }
    const xs = polygon.map(([x]) => x);
    for (const { left, right } of boxes)
      expect([left >= Math.min(...xs) - 1e-9, right <= Math.max(...xs) + 1e-9]).toEqual([true, true]);
  }
  const square: MaskPolygon = [
    [0.1, 0.2],
    [0.6, 0.2],
    [0.6, 0.9],
    [0.1, 0.9],
  ];
  expect(maskRectangles(square)).toHaveLength(1);
  const notched: MaskPolygon = [...square, [0.3, 0.5]];
  expect(maskRectangles(notched).some(({ left, top }) => top > 0.45 && left > 0.25)).toBe(true);
});

test.each(["yuv420p", "yuvj444p", "nv12", "gbrp", "yuv420p10le"])(
  "ffmpeg makes them black in %s",
  (format) => {
    const triangle: MaskPolygon = [
      [0, 0],
      [1, 0],
      [0, 1],
    ];
    const filters = [`format=${format}`, ...privacyFilters([triangle]), "format=rgb24"];
    const pixels = execFileSync(process.env.FFMPEG_PATH ?? "ffmpeg", [
      ...["-v", "error", "-f", "lavfi", "-i", "color=white:s=201x101,format=rgb24", "-frames:v", "1"],
      ...["-vf", filters.join(","), "-f", "rawvideo", "pipe:1"],
    ]);
    const at = (x: number, y: number) => pixels[3 * (y * 201 + x)]!;
    for (const [x, y] of [
      [0, 0],
      [200, 0],
      [0, 100],
      [100, 49],
      [198, 0],
      [0, 99],
    ] as const)
      expect(at(x, y)).toBeLessThan(20);
    for (const [x, y] of [
      [200, 100],
      [110, 60],
      [200, 8],
    ] as const)
      expect(at(x, y)).toBeGreaterThan(230);
  },
);
