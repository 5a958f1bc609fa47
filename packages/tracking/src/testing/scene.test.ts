import { describe, expect, it } from "vitest";
import { actorBox, picture, scene, sceneNames, visibleShare } from "./index.ts";

describe("scenes", () => {
  it.each(sceneNames)("are the same each time and hold what they promise: %s", (name) => {
    const played = scene(name);
    expect(scene(name)).toEqual(played);
    expect(played.frames.length).toBeGreaterThan(100);
    expect(played.frames.some((frame) => frame.truth.length > 0)).toBe(true);
    for (const [i, frame] of played.frames.entries()) {
      expect(frame.timeMs).toBeGreaterThan(played.frames[i - 1]?.timeMs ?? Number.NEGATIVE_INFINITY);
    }
  });

  it("drop the frames they say", () => {
    const indices = scene("random drops").frames.map((frame) => frame.index);
    expect(indices.length).toBeGreaterThan(90);
    expect(indices.length).toBeLessThan(120);
    const times = scene("burst drops").frames.map((frame) => frame.timeMs);
    expect(times.filter((timeMs) => timeMs >= 4500 && timeMs < 5400)).toEqual([]);
  });

  it("hide people in front of each other and lower their scores while they do", () => {
    const { frames } = scene("crossing");
    const scores = frames.flatMap((frame) => frame.observations.map((observation) => observation.score));
    expect(scores.some((score) => score < 0.5)).toBe(true);
    const present = (id: number) => frames.filter((frame) => frame.truth.some((box) => box.id === id));
    const indices = present(1).map((frame) => frame.index);
    expect(indices.at(-1)! - indices[0]! + 1).toBeGreaterThan(indices.length);
  });
});

describe("actorBox", () => {
  const path = [
    { timeMs: 100, x: 0, y: 50 },
    { timeMs: 200, x: 10, y: 60 },
  ];
  const actor = { id: 1, classId: 0, width: 4, height: 20, path };

  it("walks between waypoints and is nowhere else", () => {
    expect(actorBox(actor, 99)).toBeUndefined();
    expect(actorBox(actor, 100)).toEqual({ xMin: -2, yMin: 30, xMax: 2, yMax: 50 });
    expect(actorBox(actor, 150)).toEqual({ xMin: 3, yMin: 35, xMax: 7, yMax: 55 });
    expect(actorBox(actor, 200)).toEqual({ xMin: 8, yMin: 40, xMax: 12, yMax: 60 });
    expect(actorBox(actor, 201)).toBeUndefined();
  });
});

describe("visibleShare", () => {
  const box = { xMin: 100, yMin: 100, xMax: 200, yMax: 200 };

  it("is what others and the picture's edge leave", () => {
    expect(visibleShare(box, picture, [])).toBe(1);
    expect(visibleShare(box, picture, [{ xMin: 0, yMin: 0, xMax: 150, yMax: 300 }])).toBe(0.5);
    expect(visibleShare({ ...box, xMin: -100, xMax: 100 }, picture, [])).toBe(0.5);
    expect(visibleShare(box, picture, [box])).toBe(0);
  });
});
