import { describe, expect, it } from "vitest";
import { evaluateClearMot } from "./clear-mot.ts";
import { evaluateTracking } from "./evaluate-tracking.ts";
import { evaluateHota } from "./hota.ts";
import { evaluateIdentity } from "./identity.ts";
import type { IdentifiedBox, TrackedFrame } from "./tracked-frame.ts";

/** A box 10 wide and high; two of them `shift` apart have an IoU of (10 − shift) / (10 + shift). */
function at(id: number, x: number): IdentifiedBox {
  return { id, box: { xMin: x, yMin: 0, xMax: x + 10, yMax: 10 } };
}

const frame = (truth: IdentifiedBox[], tracked: IdentifiedBox[]): TrackedFrame => ({ truth, tracked });

/**
 * One object in five frames: track 7 follows it for two, one frame is missed, track 8 takes over for two; track 9
 * is a false box in the first frame.
 */
const handover = [
  frame([at(1, 0)], [at(7, 0), at(9, 500)]),
  frame([at(1, 1)], [at(7, 1)]),
  frame([at(1, 2)], []),
  frame([at(1, 3)], [at(8, 3)]),
  frame([at(1, 4)], [at(8, 4)]),
];

describe("CLEAR-MOT", () => {
  it("counts misses, false boxes, switches and fragments", () => {
    expect(evaluateClearMot(handover)).toEqual({
      mota: (4 - 1 - 1) / 5,
      motp: 1,
      truePositives: 4,
      falsePositives: 1,
      falseNegatives: 1,
      identitySwitches: 1,
      // The frame without any tracked box does not interrupt, as in TrackEval; see the next case.
      fragmentations: 0,
      mostlyTracked: 0,
      mostlyLost: 0,
    });
  });

  it("counts a fragment where others are tracked while the object is missed", () => {
    const others = handover.map(({ truth, tracked }) =>
      frame([...truth, at(2, 900)], [...tracked, at(5, 900)]),
    );
    expect(evaluateClearMot(others)).toMatchObject({ fragmentations: 1, mostlyTracked: 1, mota: 7 / 10 });
  });

  it("keeps a match of the frame before while it overlaps enough, though another overlaps more", () => {
    const frames = [
      frame([at(1, 0)], [at(7, 0)]),
      frame([at(1, 0)], [at(7, 3), at(8, 0)]),
      frame([at(1, 0)], [at(7, 5), at(8, 0)]),
    ];
    // IoU with track 7: 1, 7/13, then 1/3, which is below 0.5.
    expect(evaluateClearMot(frames)).toMatchObject({
      identitySwitches: 1,
      truePositives: 3,
      falsePositives: 2,
    });
    expect(evaluateClearMot(frames).motp).toBeCloseTo((1 + 7 / 13 + 1) / 3, 12);
    expect(evaluateClearMot(frames, 0.3).identitySwitches).toBe(0);
  });

  it("counts two objects that swap their tracks as two switches", () => {
    const frames = [
      frame([at(1, 0), at(2, 100)], [at(7, 0), at(8, 100)]),
      frame([at(1, 0), at(2, 100)], [at(7, 100), at(8, 0)]),
    ];
    expect(evaluateClearMot(frames)).toMatchObject({ identitySwitches: 2, mota: (4 - 2) / 4 });
  });

  it("tells objects mostly tracked and mostly lost from the rest", () => {
    const frames = Array.from({ length: 10 }, (_, i) =>
      frame(
        [at(1, 0), at(2, 100), at(3, 200)],
        [...(i < 9 ? [at(7, 0)] : []), ...(i < 8 ? [at(8, 100)] : []), ...(i < 1 ? [at(9, 200)] : [])],
      ),
    );
    expect(evaluateClearMot(frames)).toMatchObject({ mostlyTracked: 1, mostlyLost: 1 });
  });
});

describe("identity", () => {
  it("credits an object with one track only", () => {
    expect(evaluateIdentity(handover)).toEqual({
      idf1: (2 * 2) / (5 + 5),
      idPrecision: 2 / 5,
      idRecall: 2 / 5,
    });
  });

  it("chooses the tracks for the most boxes in common over all objects", () => {
    // Track 7 has 3 boxes on object 1 and 2 on object 2; track 8 has 2 on object 1: 7→2, 8→1 would be 4, 7→1 only 3.
    const frames = [
      ...Array.from({ length: 3 }, () => frame([at(1, 0)], [at(7, 0)])),
      ...Array.from({ length: 2 }, () => frame([at(1, 0), at(2, 100)], [at(8, 0), at(7, 100)])),
    ];
    expect(evaluateIdentity(frames).idf1).toBe((2 * 4) / (7 + 7));
  });
});

describe("HOTA", () => {
  it("is the root of detection and association", () => {
    const { hota, detA, assA, locA } = evaluateHota(handover);
    expect(detA).toBeCloseTo(4 / (4 + 1 + 1), 12);
    // Each match: 2 frames in common of 5 + 2 − 2.
    expect(assA).toBeCloseTo(2 / 5, 12);
    expect(hota).toBeCloseTo(Math.sqrt((4 / 6) * (2 / 5)), 12);
    expect(locA).toBe(1);
  });

  it("counts a match up to the threshold that its overlap reaches", () => {
    const third = 10 / 3;
    const { hota, detA, assA, locA } = evaluateHota([frame([at(1, 0)], [at(7, third)])]);
    // IoU is (10 − 10/3) / (10 + 10/3) = 0.5: ten of nineteen thresholds.
    expect(detA).toBeCloseTo(10 / 19, 12);
    expect(assA).toBeCloseTo(10 / 19, 12);
    expect(hota).toBeCloseTo(10 / 19, 12);
    expect(locA).toBeCloseTo((10 * 0.5 + 9) / 19, 12);
  });

  it("matches for the sake of the whole sequence, not of the frame", () => {
    // In the last frame track 8 lies nearer to the object, but track 7 is the one that followed it.
    const frames = [
      ...Array.from({ length: 9 }, () => frame([at(1, 0)], [at(7, 0)])),
      frame([at(1, 0)], [at(7, 1), at(8, 0)]),
    ];
    const { assA } = evaluateHota(frames);
    // 9/11 = 0.82 overlap: sixteen thresholds with all ten matches, three with the nine others.
    expect(assA).toBeCloseTo((16 * 1 + 3 * (9 / 11)) / 19, 12);
  });
});

describe("all metrics", () => {
  it("are perfect where the tracker says the truth, whatever its numbers", () => {
    const truth = Array.from({ length: 4 }, (_, i) => [at(1, i), at(2, 100 - i)]);
    const frames = truth.map((boxes) =>
      frame(boxes, boxes.map(({ id, box }) => ({ id: 10 - id, box })).reverse()),
    );
    expect(evaluateTracking(frames)).toMatchObject({
      mota: 1,
      idf1: 1,
      hota: 1,
      identitySwitches: 0,
      fragmentations: 0,
      falsePositives: 0,
      falseNegatives: 0,
    });
  });

  it("are defined where nothing is there or nothing is said", () => {
    expect(evaluateTracking([])).toMatchObject({ mota: 0, idf1: 0, hota: 0 });
    expect(evaluateTracking([frame([at(1, 0)], [])])).toMatchObject({
      mota: 0,
      idf1: 0,
      hota: 0,
      falseNegatives: 1,
      mostlyLost: 1,
    });
    expect(evaluateTracking([frame([], [at(7, 0)])])).toMatchObject({
      mota: 0,
      idf1: 0,
      hota: 0,
      falsePositives: 1,
    });
  });
});
