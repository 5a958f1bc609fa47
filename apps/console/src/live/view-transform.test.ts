import { describe, expect, it } from "vitest";
import { boxToCanvas, fit, toCanvas, toPicture } from "./view-transform.ts";

describe("view transform", () => {
  it("shows a picture whole and in the middle", () => {
    expect(fit({ width: 768, height: 576 }, { width: 320, height: 180 })).toEqual({
      x: 40,
      y: 0,
      width: 240,
      height: 180,
    });
    expect(fit({ width: 200, height: 50 }, { width: 100, height: 100 })).toEqual({
      x: 0,
      y: 37,
      width: 100,
      height: 25,
    });
  });

  it("fills the canvas when the picture's size is unknown", () => {
    expect(fit({ width: 0, height: 0 }, { width: 320, height: 180 })).toEqual({
      x: 0,
      y: 0,
      width: 320,
      height: 180,
    });
  });

  it("maps boxes and points into the picture, not the canvas", () => {
    const view = { x: 40, y: 0, width: 240, height: 180 };
    expect(boxToCanvas([0.25, 0.5, 0.5, 1], view)).toEqual({ x: 100, y: 90, width: 60, height: 90 });
    expect(toPicture(toCanvas([0.3, 0.7], view), view)).toEqual([expect.closeTo(0.3), expect.closeTo(0.7)]);
  });

  it("puts points beyond the picture on its edge", () => {
    const view = { x: 40, y: 0, width: 240, height: 180 };
    expect(toPicture([0, 500], view)).toEqual([0, 1]);
  });
});
