/** Letterbox and NMS against modern-yolonas, as recorded by fixtures/record_reference.py. */
import { describe, expect, test } from "vitest";
import { hashedUniform } from "../../fixtures/hashed-weights.ts";
import { reference } from "../../fixtures/reference.ts";
import { InvalidArgumentError } from "../errors.ts";
import { type CandidateBatch, DEFAULT_THRESHOLDS, decodeCandidates } from "./decode-candidates.ts";
import { computeLetterbox, type Letterbox } from "./letterbox.ts";

const input = { width: 640, height: 640 };

describe("computeLetterbox", () => {
  test.each(reference.letterboxes)(
    "places $source.width×$source.height as the reference does",
    (expected) => {
      expect(computeLetterbox(expected.source, input)).toEqual({ ...expected, input });
    },
  );

  test("fits a wide picture into an input that is not square", () => {
    const box = computeLetterbox({ width: 1280, height: 720 }, { width: 640, height: 384 });
    expect(box).toMatchObject({ scaled: { width: 636, height: 358 }, left: 2, top: 13 });
  });

  test("stretches over the whole input, or goes into its corner", () => {
    const source = { width: 1000, height: 500 };
    expect(computeLetterbox(source, input, input, "stretch")).toMatchObject({
      scaled: input,
      scale: 0.64,
      verticalScale: 1.28,
      left: 0,
      top: 0,
    });
    const corner = computeLetterbox(source, input, input, "corner");
    expect(corner).toMatchObject({ scaled: { width: 640, height: 320 }, left: 0, top: 0 });
  });

  test("refuses an empty picture and a fit larger than the input", () => {
    expect(() => computeLetterbox({ width: 0, height: 5 }, input)).toThrow(InvalidArgumentError);
    expect(() => computeLetterbox(input, input, { width: 700, height: 10 })).toThrow(InvalidArgumentError);
  });
});

describe("decodeCandidates", () => {
  const whole: Letterbox = computeLetterbox({ width: 640, height: 640 }, input, input);

  test("keeps exactly what the reference keeps of many overlapping boxes", () => {
    const { anchors, classCount, boxes, scores, classes } = reference.nms;
    const detections = decodeCandidates(
      recordedCandidates(anchors, classCount),
      0,
      DEFAULT_THRESHOLDS,
      whole,
    );
    expect(detections.map(({ classId }) => classId)).toEqual(classes);
    for (const [i, detection] of detections.entries()) {
      expect(detection.score).toBeCloseTo(scores[i]!, 6);
      for (const [side, value] of detection.box.entries()) {
        expect(value).toBeCloseTo(Math.max(0, boxes[4 * i + side]!), 3);
      }
    }
  });

  test("reads the frame asked for, of a batch", () => {
    const batch = candidates([[[[10, 10, 20, 20], [0.9]]], [[[30, 30, 50, 60], [0.5]]]]);
    expect(decodeCandidates(batch, 1, DEFAULT_THRESHOLDS, whole)).toEqual([
      { classId: 0, score: 0.5, box: [30, 30, 50, 60] },
    ]);
  });

  test("gives one box several classes, and never mixes classes in NMS", () => {
    const batch = candidates([
      [
        [
          [10, 10, 50, 50],
          [0.75, 0.5],
        ],
        [
          [11, 10, 50, 50],
          [0.625, 0.125],
        ],
      ],
    ]);
    const found = decodeCandidates(batch, 0, DEFAULT_THRESHOLDS, whole);
    expect(found.map(({ classId, score }) => [classId, score])).toEqual([
      [0, 0.75],
      [1, 0.5],
    ]);
  });

  test("maps boxes back to the source picture and clips them to it", () => {
    const letterbox = computeLetterbox({ width: 1272, height: 636 }, input);
    const batch = candidates([[[[-20, 161, 320, 400], [0.75]]]]);
    const [found] = decodeCandidates(batch, 0, DEFAULT_THRESHOLDS, letterbox);
    expect(letterbox).toMatchObject({ scale: 0.5, left: 2, top: 161 });
    expect(found!.box).toEqual([0, 0, 636, 478]);
  });

  test("maps boxes of a stretched picture back, each side by its own scale", () => {
    const letterbox = computeLetterbox({ width: 1280, height: 320 }, input, input, "stretch");
    const batch = candidates([[[[64, 64, 128, 320], [0.75]]]]);
    const [found] = decodeCandidates(batch, 0, DEFAULT_THRESHOLDS, letterbox);
    expect(found!.box).toEqual([128, 32, 256, 160]);
  });

  test("finds nothing at or below the threshold", () => {
    expect(decodeCandidates(candidates([[[[0, 0, 9, 9], [0.25]]]]), 0, DEFAULT_THRESHOLDS, whole)).toEqual(
      [],
    );
  });
});

type Row = [box: number[], scores: number[]];

function candidates(frames: Row[][]): CandidateBatch {
  return {
    batch: frames.length,
    candidates: frames[0]!.length,
    classCount: frames[0]![0]![1].length,
    boxes: Float32Array.from(frames.flat().flatMap(([box]) => box)),
    scores: Float32Array.from(frames.flat().flatMap(([, scores]) => scores)),
  };
}

/** The boxes and scores of record_nms, best candidate first as a prepared graph orders them. */
function recordedCandidates(anchors: number, classCount: number): CandidateBatch {
  const u = hashedUniform("nms.boxes", 4 * anchors);
  const s = hashedUniform("nms.scores", classCount * anchors);
  const rows = Array.from({ length: anchors }, (_, i): Row => {
    const [cx, cy] = [20 + 560 * u[4 * i]! ** 2, 20 + 560 * u[4 * i + 1]! ** 2];
    const [w, h] = [20 + 60 * u[4 * i + 2]!, 20 + 60 * u[4 * i + 3]!];
    const box = [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2];
    return [box, [...s.subarray(classCount * i, classCount * (i + 1))]];
  });
  rows.sort((a, b) => Math.max(...b[1]) - Math.max(...a[1]));
  return candidates([rows]);
}
