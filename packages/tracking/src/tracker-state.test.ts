import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Observation } from "./box.ts";
import { TrackerStateError } from "./errors.ts";
import { scene } from "./testing/index.ts";
import { Tracker } from "./tracker.ts";
import type { TrackerState } from "./tracker-state.ts";

const throughStorage = (tracker: Tracker): TrackerState => JSON.parse(JSON.stringify(tracker.snapshot()));

const coordinate = fc.double({ min: -50, max: 400, noNaN: true });
const size = fc.double({ min: 0, max: 200, noNaN: true });
const observation = fc
  .record({
    classId: fc.integer({ min: 0, max: 2 }),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
    x: coordinate,
    y: coordinate,
    width: size,
    height: size,
  })
  .map(
    ({ classId, score, x, y, width, height }): Observation => ({
      classId,
      score,
      box: { xMin: x, yMin: y, xMax: x + width, yMax: y + height },
    }),
  );
/** A frame that holds most of the frame before a bit off, or anything. */
const frames = fc.array(
  fc.record({
    passedMs: fc.oneof(
      fc.constant(100),
      fc.double({ min: -50, max: 300, noNaN: true }),
      fc.integer({ min: 0, max: 2500 }),
    ),
    fresh: fc.array(observation, { maxLength: 3 }),
    kept: fc.double({ min: 0, max: 1, noNaN: true }),
    shift: fc.double({ min: -10, max: 10, noNaN: true }),
    kind: fc.constantFrom("update", "update", "update", "update", "advance", "clear"),
  }),
  { minLength: 1, maxLength: 25 },
);

type Call = { kind: string; timeMs: number; observations: Observation[] };

function calls(steps: typeof frames extends fc.Arbitrary<infer T> ? T : never): Call[] {
  let timeMs = 0;
  let before: Observation[] = [];
  return steps.map(({ passedMs, fresh, kept, shift, kind }) => {
    timeMs += passedMs;
    const moved = before.slice(0, Math.ceil(kept * before.length)).map(({ classId, score, box }) => ({
      classId,
      score: score * 0.5 + 0.5 * kept,
      box: { xMin: box.xMin + shift, yMin: box.yMin, xMax: box.xMax + shift, yMax: box.yMax },
    }));
    const observations = [...fresh, ...moved];
    if (kind === "update") before = observations;
    return { kind, timeMs, observations };
  });
}

function apply(tracker: Tracker, { kind, timeMs, observations }: Call): unknown {
  if (kind === "clear") return tracker.clear();
  return kind === "advance" ? tracker.advance(timeMs) : tracker.update(timeMs, observations);
}

describe("a snapshot", () => {
  it("continues bit for bit, wherever it was taken", () => {
    fc.assert(
      fc.property(frames, fc.nat(), (steps, at) => {
        const all = calls(steps);
        const cut = at % all.length;
        const whole = new Tracker();
        for (const call of all.slice(0, cut)) apply(whole, call);
        const restored = new Tracker({}, throughStorage(whole));
        expect(restored.tracks).toStrictEqual(whole.tracks);
        for (const call of all.slice(cut)) {
          expect(apply(restored, call)).toStrictEqual(apply(whole, call));
          expect(restored.tracks).toStrictEqual(whole.tracks);
          expect(throughStorage(restored)).toStrictEqual(throughStorage(whole));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("taken after every frame of a street changes nothing", () => {
    const { frames: street } = scene("street");
    const whole = new Tracker();
    let restarted = new Tracker();
    for (const { timeMs, observations } of street) {
      restarted = new Tracker({}, throughStorage(restarted));
      expect(restarted.update(timeMs, observations)).toStrictEqual(whole.update(timeMs, observations));
    }
    expect(restarted.snapshot()).toStrictEqual(whole.snapshot());
    expect(whole.snapshot().nextNumber).toBeGreaterThan(20);
  });

  it("keeps its motion when the nominal interval changes", () => {
    const tracker = new Tracker({ nominalIntervalMs: 50 });
    for (let i = 0; i < 5; i++) {
      const box = { xMin: 10 * i, yMin: 0, xMax: 40 + 10 * i, yMax: 100 };
      tracker.update(100 * i, [{ classId: 0, score: 0.9, box }]);
    }
    const changed = new Tracker({ nominalIntervalMs: 100 }, throughStorage(tracker));
    expect(changed.tracks[0]!.velocity.x).toBeGreaterThan(20);
    expect(changed.tracks[0]!.velocity.x).toBeCloseTo(tracker.tracks[0]!.velocity.x, 9);
  });

  it("of a version that knew no votes is read as well", () => {
    const tracker = new Tracker();
    const car = { classId: 2, score: 0.9, box: { xMin: 0, yMin: 0, xMax: 9, yMax: 9 } };
    for (const timeMs of [0, 100]) tracker.update(timeMs, [car]);
    const { tracks, ...state } = throughStorage(tracker);
    const older = { ...state, version: 1, tracks: tracks.map(({ votes: _, ...track }) => track) };
    const restored = new Tracker({}, older as never);
    expect(restored.tracks).toStrictEqual(tracker.tracks);
    expect(restored.update(200, [{ ...car, classId: 7 }])).toMatchObject({
      trackNumbers: [1],
      trackClassIds: [2],
    });
  });

  it("is refused when it is not one", () => {
    const tracker = new Tracker();
    for (const timeMs of [0, 100]) {
      tracker.update(timeMs, [{ classId: 0, score: 0.9, box: { xMin: 0, yMin: 0, xMax: 9, yMax: 9 } }]);
    }
    const state = throughStorage(tracker);
    const track = state.tracks[0]!;
    const broken: unknown[] = [
      null,
      {},
      { ...state, version: 3 },
      { ...state, tracks: [{ ...track, votes: [] }] },
      { ...state, nextNumber: 0 },
      { ...state, frameMs: null },
      { ...state, nominalIntervalMs: 0 },
      { ...state, tracks: [{ ...track, filter: track.filter.slice(1) }] },
      { ...state, tracks: [{ ...track, filter: track.filter.with(0, null as never) }] },
      { ...state, tracks: [{ ...track, status: "gone" }] },
      { ...state, more: 1 },
    ];
    for (const value of broken) {
      expect(() => new Tracker({}, value as TrackerState)).toThrow(TrackerStateError);
    }
    expect(new Tracker({}, state).tracks).toHaveLength(1);
  });
});

describe("every update", () => {
  it("uses a number for one observation, starts them in order and ends each once", () => {
    fc.assert(
      fc.property(frames, (steps) => {
        const tracker = new Tracker();
        const alive = new Set<number>();
        let next = 1;
        for (const call of calls(steps)) {
          if (call.kind === "clear") {
            expect(new Set(tracker.clear())).toEqual(alive);
            alive.clear();
            continue;
          }
          const { trackNumbers, started, ended } =
            call.kind === "advance"
              ? tracker.advance(call.timeMs)
              : tracker.update(call.timeMs, call.observations);
          for (const number of started) {
            expect(number).toBe(next++);
            alive.add(number);
          }
          const used = trackNumbers.filter((number) => number !== undefined);
          expect(new Set(used).size).toBe(used.length);
          for (const number of used) expect(alive).toContain(number);
          for (const number of ended) expect(alive.delete(number)).toBe(true);
          const confirmed = tracker.tracks.filter((track) => track.confirmed);
          expect(new Set(confirmed.map((track) => track.number))).toEqual(alive);
        }
      }),
      { numRuns: 300 },
    );
  });
});
