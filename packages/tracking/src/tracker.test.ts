import { describe, expect, it } from "vitest";
import type { Observation } from "./box.ts";
import { TrackerOptionsError, TrackerTimeError } from "./errors.ts";
import { Tracker } from "./tracker.ts";

/** A person of 40×100 pixels. */
function seen(x: number, score = 0.9, classId = 0, y = 100): Observation {
  return { classId, score, box: { xMin: x, yMin: y, xMax: x + 40, yMax: y + 100 } };
}

/** A tracker that has confirmed one person at x = 100, last seen at 100 ms. */
function following(options = {}): Tracker {
  const tracker = new Tracker(options);
  tracker.update(0, [seen(100)]);
  tracker.update(100, [seen(100)]);
  return tracker;
}

describe("a new track", () => {
  it("gets its number when it is seen a second time in a row", () => {
    const tracker = new Tracker();
    expect(tracker.update(0, [seen(100)])).toMatchObject({
      trackNumbers: [undefined],
      started: [],
      ended: [],
    });
    expect(tracker.tracks).toMatchObject([{ number: 0, confirmed: false }]);
    expect(tracker.update(100, [seen(102)])).toMatchObject({ trackNumbers: [1], started: [1], ended: [] });
    expect(tracker.tracks).toMatchObject([
      { number: 1, confirmed: true, lost: false, firstSeenMs: 0, lastSeenMs: 100 },
    ]);
  });

  it("is forgotten, without having cost a number, when the next frame lacks it", () => {
    const tracker = new Tracker();
    tracker.update(0, [seen(100)]);
    expect(tracker.update(100, [])).toMatchObject({ trackNumbers: [], started: [], ended: [] });
    tracker.update(200, [seen(500)]);
    expect(tracker.update(300, [seen(500)]).started).toEqual([1]);
  });

  it("waits for as many sightings as asked", () => {
    const patient = new Tracker({ confirmHits: 3 });
    const started = [0, 1, 2].map((i) => patient.update(100 * i, [seen(100)]).started);
    expect(started).toEqual([[], [], [1]]);
    expect(new Tracker({ confirmHits: 1 }).update(0, [seen(100)])).toMatchObject({
      trackNumbers: [1],
      started: [1],
      ended: [],
    });
  });

  it("needs a score of newTrackScore", () => {
    const tracker = new Tracker();
    for (let i = 0; i < 5; i++) expect(tracker.update(100 * i, [seen(100, 0.59)]).started).toEqual([]);
    expect(tracker.tracks).toEqual([]);
  });
});

describe("association", () => {
  it("goes on with a low score where the object was in sight", () => {
    const tracker = following();
    expect(tracker.update(200, [seen(102, 0.15)]).trackNumbers).toEqual([1]);
    expect(tracker.update(300, [seen(104, 0.05)]).trackNumbers).toEqual([undefined]);
  });

  it("does not find a lost object by a low score, but by a high one", () => {
    const tracker = following();
    tracker.update(200, []);
    expect(tracker.tracks).toMatchObject([{ number: 1, lost: true, lastSeenMs: 100 }]);
    expect(tracker.update(300, [seen(100, 0.4)]).trackNumbers).toEqual([undefined]);
    expect(tracker.update(400, [seen(100, 0.9)])).toMatchObject({
      trackNumbers: [1],
      started: [],
      ended: [],
    });
    expect(tracker.tracks).toMatchObject([{ number: 1, lost: false, lastSeenMs: 400 }]);
  });

  it("finds a lost object by a low score where that is allowed", () => {
    const tracker = following({ lowScoreFindsLost: true });
    tracker.update(200, []);
    expect(tracker.update(300, [seen(100, 0.4)]).trackNumbers).toEqual([1]);
    expect(tracker.tracks).toMatchObject([{ number: 1, lost: false }]);
  });

  it("asks for more overlap where the score is lower", () => {
    // 21 of 59 pixels in common, an IoU of 0.36; matchIou is 0.2.
    expect(following().update(101, [seen(119, 0.6)]).trackNumbers).toEqual([1]);
    expect(following().update(101, [seen(119, 0.5)]).trackNumbers).toEqual([undefined]);
  });

  it("gives each of two who stand close to the right track, in whatever order they come", () => {
    const tracker = new Tracker();
    tracker.update(0, [seen(100), seen(125)]);
    tracker.update(100, [seen(100), seen(125)]);
    expect(tracker.update(200, [seen(127), seen(102)]).trackNumbers).toEqual([2, 1]);
  });

  it("does not take a box without area or of no finite size", () => {
    const flat = { classId: 0, score: 0.9, box: { xMin: 5, yMin: 5, xMax: 5, yMax: 9 } };
    const broken = { classId: 0, score: 0.9, box: { xMin: 5, yMin: 5, xMax: Number.NaN, yMax: 9 } };
    const vague = { ...seen(300), score: Number.NaN };
    const tracker = following();
    tracker.update(200, [flat, broken, seen(100), vague]);
    expect(tracker.update(300, [flat, broken, seen(100), vague]).trackNumbers).toEqual([
      undefined,
      undefined,
      1,
      undefined,
    ]);
    expect(tracker.tracks).toHaveLength(1);
  });
});

describe("time", () => {
  it("ends a track that was not seen for longer than lostMs, and says so once", () => {
    const tracker = following({ lostMs: 1000 });
    expect(tracker.update(1100, []).ended).toEqual([]);
    expect(tracker.update(1101, []).ended).toEqual([1]);
    expect(tracker.update(1200, [seen(100)]).ended).toEqual([]);
    expect(tracker.update(1300, [seen(100)]).trackNumbers).toEqual([2]);
  });

  it("passes without frames as well", () => {
    const tracker = following({ lostMs: 1000 });
    expect(tracker.advance(1100)).toMatchObject({ trackNumbers: [], started: [], ended: [] });
    expect(tracker.advance(1101).ended).toEqual([1]);
    expect(tracker.tracks).toEqual([]);
  });

  it("does not continue a track over a gap longer than lostMs", () => {
    const tracker = following({ lostMs: 1000 });
    expect(tracker.update(5000, [seen(100)])).toMatchObject({
      trackNumbers: [undefined],
      started: [],
      ended: [1],
    });
  });

  it("carries a moving object over a gap of any length within lostMs", () => {
    const tracker = new Tracker();
    for (let i = 0; i <= 10; i++) tracker.update(100 * i, [seen(100 + 10 * i)]);
    expect(tracker.tracks[0]!.velocity.x).toBeCloseTo(100, -1);
    expect(tracker.update(2000, [seen(300)]).trackNumbers).toEqual([1]);
  });

  it("takes a repeated or earlier time for the latest one", () => {
    const tracker = following({ lostMs: 1000 });
    tracker.advance(500);
    expect(tracker.update(500, [seen(101)]).trackNumbers).toEqual([1]);
    expect(tracker.update(-10_000, [seen(101)])).toMatchObject({ trackNumbers: [1], started: [], ended: [] });
    expect(tracker.tracks).toMatchObject([{ lastSeenMs: 500 }]);
    expect(tracker.advance(400).ended).toEqual([]);
    expect(tracker.advance(1501).ended).toEqual([1]);
  });

  it("must be finite", () => {
    const tracker = following();
    expect(() => tracker.update(Number.NaN, [])).toThrow(TrackerTimeError);
    expect(() => tracker.advance(Number.POSITIVE_INFINITY)).toThrow(TrackerTimeError);
    expect(tracker.update(200, [seen(100)]).trackNumbers).toEqual([1]);
  });
});

describe("clear", () => {
  it("ends all tracks and numbers on", () => {
    const tracker = new Tracker();
    for (const timeMs of [0, 100]) tracker.update(timeMs, [seen(100), seen(300)]);
    tracker.update(200, [seen(100), seen(300), seen(500)]);
    expect(tracker.clear()).toEqual([1, 2]);
    expect(tracker.clear()).toEqual([]);
    tracker.update(300, [seen(100)]);
    expect(tracker.update(400, [seen(100)]).started).toEqual([3]);
  });
});

describe("a lost track", () => {
  it("moves on, but does not grow on", () => {
    const tracker = new Tracker();
    for (let i = 0; i < 8; i++) {
      const box = { xMin: 100 + 8 * i, yMin: 100 - 6 * i, xMax: 140 + 8 * i, yMax: 200 };
      tracker.update(40 * i, [{ classId: 0, score: 0.9, box }]);
    }
    const heightAt = (timeMs: number) => {
      tracker.update(timeMs, []);
      const { yMin, yMax } = tracker.tracks[0]!.box;
      return yMax - yMin;
    };
    const missedOnce = heightAt(320);
    const { xMin } = tracker.tracks[0]!.box;
    expect(heightAt(360)).toBeCloseTo(missedOnce, 9);
    expect(heightAt(800)).toBeCloseTo(missedOnce, 9);
    expect(tracker.tracks[0]!.box.xMin).toBeGreaterThan(xMin + 50);
  });
});

describe("two tracks of one object", () => {
  it("become the older one", () => {
    // The first track asks for more overlap than it gets, so the object starts a second.
    const tracker = new Tracker({ matchIou: 0.9, tentativeMatchIou: 0.1, confirmHits: 1, duplicateIou: 0.8 });
    for (let i = 0; i < 5; i++) tracker.update(100 * i, [seen(100, 1)]);
    const update = tracker.update(500, [seen(104, 1)]);
    expect(update.started).toEqual([2]);
    expect(update.ended).toEqual([2]);
    expect(tracker.tracks).toMatchObject([{ number: 1, lost: true }]);
  });
});

describe("classes", () => {
  const [car, truck] = [2, 7];
  const [person, bicycle] = [0, 1];
  /** 80 × 60, 10 to the right with each frame. */
  const vehicle = (frame: number, classId: number, score: number): Observation => ({
    classId,
    score,
    box: { xMin: 10 * frame, yMin: 300, xMax: 10 * frame + 80, yMax: 360 },
  });
  const rider = (frame: number): Observation[] => [
    { classId: person, score: 0.9, box: { xMin: 5 * frame, yMin: 100, xMax: 5 * frame + 60, yMax: 240 } },
    {
      classId: bicycle,
      score: 0.8,
      box: { xMin: 5 * frame - 15, yMin: 160, xMax: 5 * frame + 75, yMax: 260 },
    },
  ];

  it("that flicker are one object, of the class with the most votes", () => {
    const tracker = new Tracker();
    for (let frame = 0; frame < 30; frame++) {
      const isTruck = frame % 3 === 0;
      const update = tracker.update(100 * frame, [
        vehicle(frame, isTruck ? truck : car, isTruck ? 0.9 : 0.7),
      ]);
      expect(update.trackNumbers).toEqual([frame === 0 ? undefined : 1]);
      if (frame > 15) expect(update.trackClassIds).toEqual([car]);
    }
  });

  it("of two boxes on top of each other are one object's", () => {
    const tracker = new Tracker();
    for (let frame = 0; frame < 10; frame++) {
      const both = [vehicle(frame, truck, 0.6), vehicle(frame + 0.5, car, 0.8)];
      const { trackNumbers } = tracker.update(100 * frame, both);
      expect(trackNumbers).toEqual([undefined, frame === 0 ? undefined : 1]);
    }
  });

  it("of a rider and a bicycle are two objects', also while one of them is not found", () => {
    const tracker = new Tracker();
    for (let frame = 0; frame < 20; frame++) {
      const both = rider(frame);
      const { trackNumbers } = tracker.update(100 * frame, both);
      if (frame > 0) expect(trackNumbers).toEqual([1, 2]);
    }
    for (let frame = 20; frame < 24; frame++)
      expect(tracker.update(100 * frame, [rider(frame)[1]!]).trackNumbers).toEqual([2]);
    expect(tracker.update(2400, rider(24)).trackNumbers).toEqual([1, 2]);
    expect(tracker.tracks.map((track) => track.classId)).toEqual([person, bicycle]);
  });

  it("tell two objects of one shape apart that pass each other", () => {
    const tracker = new Tracker();
    for (let frame = 0; frame < 41; frame++) {
      const { trackNumbers } = tracker.update(100 * frame, [
        vehicle(frame, car, 0.8),
        vehicle(40 - frame, truck, 0.8),
      ]);
      // Where they cover each other they are one box to the eye too.
      if (frame > 0 && Math.abs(frame - 20) > 1) expect(trackNumbers).toEqual([1, 2]);
    }
  });

  it("change only when another has well more votes", () => {
    const tracker = following();
    const classIds = [200, 300, 400, 500].map(
      (timeMs) => tracker.update(timeMs, [seen(100, 0.9, car)]).trackClassIds[0],
    );
    expect(classIds).toEqual([0, 0, 0, car]);
  });
});

it("looks at no more observations than it may, those of the highest scores, wherever they stand", () => {
  const tracker = new Tracker({ maxObservations: 2, confirmHits: 1 });
  const scores = [0.7, 0.95, 0.65, 0.9];
  const observations = scores.map((score, index) => seen(100 + 200 * index, score));
  expect(tracker.update(0, observations).trackNumbers).toEqual([undefined, 1, undefined, 2]);
});

describe("options", () => {
  it.each([
    [{ highScore: 1.5 }, "highScore"],
    [{ matchIou: Number.NaN }, "matchIou"],
    [{ lowScore: 0.7 }, "lowScore"],
    [{ confirmHits: 0 }, "confirmHits"],
    [{ confirmHits: 1.5 }, "confirmHits"],
    [{ maxObservations: 0 }, "maxObservations"],
    [{ lostMs: 0 }, "lostMs"],
    [{ nominalIntervalMs: Number.POSITIVE_INFINITY }, "nominalIntervalMs"],
  ])("are refused where they make no sense: %j", (options, name) => {
    expect(() => new Tracker(options)).toThrow(TrackerOptionsError);
    expect(() => new Tracker(options)).toThrow(name);
  });

  it("may be left undefined", () => {
    expect(following({ lostMs: undefined }).tracks).toHaveLength(1);
  });
});
