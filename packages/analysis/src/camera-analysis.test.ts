import {
  CameraReason,
  CameraTransition,
  EndReason,
  type Event,
  EventPhase,
  fromTimestamp,
  toTimestamp,
} from "@sightline/contracts";
import { formatRules, parseRules } from "@sightline/rules";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AnalysisStateError, CameraAnalysis } from "./camera-analysis.ts";
import { anyStory, type Entry } from "./testing/any-story.ts";
import { frameOf, type Thing } from "./testing/frame-of.ts";

const startMs = Date.parse("2026-01-05T12:00:00Z");
const hour = 3_600_000;
const road = parseRules({
  zones: [
    {
      name: "road",
      polygon: [
        [0.5, 0],
        [1, 0],
        [1, 1],
        [0.5, 1],
      ],
    },
  ],
  lines: [{ name: "kerb", start: [0.5, 1], end: [0.5, 0] }],
  rules: [
    { type: "entered_zone", zone: "road" },
    { type: "crossed_line", line: "kerb" },
  ],
});

/** Leads an analysis through frames at 25/s. */
class Film {
  readonly analysis = new CameraAnalysis("door", "t");
  readonly events: Event[] = [];
  offsetMs = 0;
  #number = 0;

  constructor() {
    this.events.push(...this.analysis.rulesChanged({ time: toTimestamp(startMs), rules: road }));
  }

  get captureMs(): number {
    return startMs + this.#number * 40 + this.offsetMs;
  }

  frame(...things: Thing[]): string[] {
    this.#number++;
    const frame = frameOf({
      epoch: "e",
      number: this.#number,
      captureMs: this.captureMs,
      ptsUs: this.#number * 40_000,
      things,
    });
    this.events.push(...this.analysis.frame(frame));
    return frame.detections.map(({ trackId }) => trackId);
  }

  /** A person walks evenly from x to x, in so many frames. */
  walk(from: number, to: number, frames: number): void {
    for (let frame = 0; frame < frames; frame++)
      this.frame({ x: from + ((to - from) * frame) / (frames - 1), y: 0.8 });
  }
}

describe("the analysis of a camera", () => {
  it("makes one event of a walk into a zone, and one of the line crossed on the way", () => {
    const film = new Film();
    film.walk(0.2, 0.8, 61);
    film.walk(0.8, 0.2, 61);
    expect(film.events.map(({ phase, type, name }) => [phase, type, name])).toEqual([
      [EventPhase.START, 3, "cameras/door/events/t-e1"],
      [EventPhase.ONCE, 5, "cameras/door/events/t-e2"],
      [EventPhase.END, 3, "cameras/door/events/t-e1"],
      [EventPhase.ONCE, 5, "cameras/door/events/t-e3"],
    ]);
    expect(new Set(film.events.map(({ track }) => track?.id))).toEqual(new Set(["t-1"]));
    const [entered] = film.events;
    // Frame 31 finds it on the edge, at 0.5.
    expect(fromTimestamp(entered!.startTime!)).toBe(startMs + 31 * 40);
    expect(entered!.frame).toEqual({
      epoch: "e",
      number: 31,
      captureTime: entered!.startTime,
      ptsUs: 31 * 40_000,
    });
    // A track is confirmed by its second frame, and was there from the first.
    expect(fromTimestamp(entered!.track!.startTime!)).toBe(startMs + 40);
  });

  it("gives detections the ids of their tracks once these are confirmed, and only those make events", () => {
    const film = new Film();
    const [here, there] = [
      { x: 0.7, y: 0.5 },
      { x: 0.9, y: 0.9 },
    ];
    expect(film.frame(here)).toEqual([""]);
    expect(film.events).toEqual([]);
    expect(film.frame(there, here)).toEqual(["", "t-1"]);
    expect(film.events).toHaveLength(1);
    expect(film.frame(here, there)).toEqual(["t-1", "t-2"]);
    expect(film.frame()).toEqual([]);
    expect(film.analysis.open).toBe(4);
  });

  it("loses no track when the wall clock is set an hour forth and back in midstream", () => {
    const film = new Film();
    const ids = new Set<string>();
    for (let frame = 0; frame < 100; frame++) {
      film.offsetMs = frame >= 70 ? 0 : frame >= 50 ? -hour : frame >= 30 ? hour : 0;
      for (const id of film.frame({ x: 0.6 + frame / 1000, y: 0.8 })) ids.add(id);
    }
    expect(ids).toEqual(new Set(["", "t-1"]));
    expect(film.events.map(({ phase }) => phase)).toEqual([EventPhase.START]);
    // Nor the other way: 1.5 s without the object are 1.5 s.
    film.offsetMs = hour;
    for (let frame = 0; frame < 37; frame++) film.frame();
    expect(film.events).toHaveLength(1);
    film.frame();
    expect(film.events.at(-1)).toMatchObject({ phase: EventPhase.END, endReason: EndReason.TRACK_LOST });
    const { startTime, endTime } = film.events.at(-1)!;
    // It was last seen 98 frames after the start, whatever the clocks said meanwhile.
    expect(fromTimestamp(endTime!) - fromTimestamp(startTime!)).toBeCloseTo(98 * 40, 3);
  });

  it.each([
    ["rules", 1],
    // What the tick says has passed; the object moves on from then.
    ["a tick", 2],
  ])("goes on when %s come while frames of before are still to be analysed", (what, most) => {
    const film = new Film();
    const ids = new Set<string>();
    for (let i = 0; i < 60; i++) {
      const time = toTimestamp(film.captureMs + 1_500);
      if (i === 20 && what === "rules") film.analysis.rulesChanged({ time, rules: road });
      if (i === 20 && what === "a tick") film.analysis.tick({ time });
      for (const id of film.frame({ x: 0.1 + i * 0.012, y: 0.8, width: 0.05 })) if (id !== "") ids.add(id);
    }
    expect(ids.size).toBe(most);
  });

  it("ends tracks by ticks when the lost-track time is over", () => {
    const film = new Film();
    film.walk(0.7, 0.8, 10);
    const tick = (afterMs: number) => film.analysis.tick({ time: toTimestamp(film.captureMs + afterMs) });
    expect(tick(1000)).toEqual([]);
    expect(tick(1500)).toEqual([]);
    expect(film.analysis.open).toBe(2);
    const [end] = tick(1600);
    expect(end).toMatchObject({ phase: EventPhase.END, endReason: EndReason.TRACK_LOST, frame: undefined });
    expect(fromTimestamp(end!.endTime!)).toBe(film.captureMs);
    expect(film.analysis.open).toBe(0);
  });

  it("says that an object left when its track was lost, by a frame or by a tick", () => {
    for (const byTick of [false, true]) {
      const film = new Film();
      const time = toTimestamp(startMs);
      film.analysis.rulesChanged({ time, rules: parseRules({ rules: [{ type: "left" }] }) });
      film.walk(0.7, 0.8, 10);
      const lastSeen = film.captureMs;
      if (byTick) film.events.push(...film.analysis.tick({ time: toTimestamp(lastSeen + 1600) }));
      else for (let frame = 0; frame < 40; frame++) film.frame();
      expect(film.events.map(({ type, phase }) => [type, phase]).at(-1)).toEqual([2, EventPhase.ONCE]);
      expect(fromTimestamp(film.events.at(-1)!.startTime!)).toBe(lastSeen);
    }
  });

  it("ends all tracks and events when the camera goes down; what comes after is new", () => {
    const film = new Film();
    film.walk(0.7, 0.8, 10);
    const time = toTimestamp(film.captureMs + 500);
    const down = film.analysis.transition(
      CameraTransition.fromPartial({ time, down: true, reason: CameraReason.STALLED }),
    );
    expect(down).toMatchObject([
      { phase: EventPhase.END, endReason: EndReason.CAMERA_DOWN },
      { phase: EventPhase.START, type: 9, cameraReason: CameraReason.STALLED },
    ]);
    expect(film.analysis.open).toBe(0);
    film.frame({ x: 0.8, y: 0.8 });
    expect(film.frame({ x: 0.8, y: 0.8 })).toEqual(["t-2"]);
  });

  describe("an object that is called a car and a truck in turn", () => {
    const vehicle = (className: "car" | "truck", frame: number): Thing => {
      const x = 0.2 + frame * 0.01;
      const kind = className === "car" ? { classId: 2, score: 0.85 } : { classId: 7, score: 0.8 };
      return { x, y: 0.6, width: 0.2, height: 0.2, className, ...kind };
    };
    const crowded = parseRules({
      ...formatRules(road),
      rules: [
        { type: "entered_zone", zone: "road" },
        { type: "crossed_line", line: "kerb", classes: ["car"] },
        { name: "truck crossed", type: "crossed_line", line: "kerb", classes: ["truck"] },
        { type: "count_above", count: 1 },
      ],
    });

    it.each<[string, (frame: number) => ("car" | "truck")[]]>([
      ["by turns", (frame) => [frame % 2 ? "car" : "truck"]],
      ["two frames each", (frame) => [frame % 4 < 2 ? "car" : "truck"]],
      ["both in each frame", () => ["car", "truck"]],
      ["both in each frame, the truck first", () => ["truck", "car"]],
      ["a truck in one frame of ten", (frame) => [frame % 10 ? "car" : "truck"]],
    ])("is one car that enters and crosses once: %s", (_, classesIn) => {
      const film = new Film();
      film.analysis.rulesChanged({ time: toTimestamp(startMs), rules: crowded });
      const ids = new Set<string>();
      for (let frame = 0; frame < 60; frame++)
        for (const id of film.frame(...classesIn(frame).map((name) => vehicle(name, frame)))) ids.add(id);
      expect(ids).toEqual(new Set(["", "t-1"]));
      const told = film.events.map(({ phase, rule, track }) => [phase, rule, track?.className]);
      expect(told.filter(([phase]) => phase !== EventPhase.UPDATE)).toEqual([
        [EventPhase.START, "entered_zone-road", "car"],
        [EventPhase.ONCE, "crossed_line-kerb", "car"],
      ]);
    });
  });

  it("takes what cannot be anywhere as not there", () => {
    const film = new Film();
    for (let frame = 0; frame < 3; frame++) {
      const ids = film.frame(
        { x: Number.NaN, y: 0.5 },
        { x: 0.7, y: 0.5, score: Number.POSITIVE_INFINITY },
        { x: 0.7, y: 0.5, width: 0 },
      );
      expect(ids).toEqual(["", "", ""]);
    }
    expect(film.events).toEqual([]);
  });

  it("refuses a state that is not one, and an incarnation that is no word", () => {
    const state = new CameraAnalysis("door", "t").snapshot();
    expect(() => new CameraAnalysis("door", "a.b")).toThrow(RangeError);
    for (const wrong of [{ version: 2 }, { tracker: {} }, { engine: { version: 0 } }, { clock: null }]) {
      expect(() => new CameraAnalysis("door", "t", { ...state, ...wrong } as never)).toThrow(
        AnalysisStateError,
      );
    }
    expect(new CameraAnalysis("door", "other", state).incarnation).toBe("t");
    const { classNames: _, ...older } = state;
    expect(new CameraAnalysis("door", "other", older).incarnation).toBe("t");
  });
});

describe("whatever befalls a camera", () => {
  const run = (analysis: CameraAnalysis, entry: Entry) => {
    const copy = structuredClone(entry);
    return { events: analysis.entry(copy), entry: copy };
  };

  it("the analysis goes on the same from a snapshot taken at any point", () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const whole = new CameraAnalysis("door", "t");
        let restored = new CameraAnalysis("door", "t");
        for (const entry of story) {
          restored = new CameraAnalysis("door", "t", JSON.parse(JSON.stringify(restored.snapshot())));
          expect(run(restored, entry)).toEqual(run(whole, entry));
          expect(JSON.stringify(restored.snapshot())).toBe(JSON.stringify(whole.snapshot()));
        }
      }),
      { numRuns: 25 },
    );
  });

  it("each event is told from its start to its end, in order, and ends not before it began", () => {
    fc.assert(
      fc.property(anyStory, (story) => {
        const analysis = new CameraAnalysis("door", "t");
        const open = new Map<string, Event>();
        const done = new Set<string>();
        for (const entry of story) {
          for (const event of run(analysis, entry).events) {
            const before = open.get(event.name);
            expect(done).not.toContain(event.name);
            expect(event.name).toMatch(/^cameras\/door\/events\/t-e\d+$/);
            expect(event.revision).toBe((before?.revision ?? 0) + 1);
            const begins = event.phase === EventPhase.START || event.phase === EventPhase.ONCE;
            expect(begins).toBe(before === undefined);
            if (before !== undefined) expect(event.startTime).toEqual(before.startTime);
            const ends = event.phase === EventPhase.END || event.phase === EventPhase.ONCE;
            expect(event.endTime !== undefined).toBe(ends);
            expect(event.endReason !== EndReason.UNSPECIFIED).toBe(event.phase === EventPhase.END);
            if (ends) {
              expect(fromTimestamp(event.endTime!)).toBeGreaterThanOrEqual(fromTimestamp(event.startTime!));
              open.delete(event.name);
              done.add(event.name);
            } else {
              open.set(event.name, event);
            }
          }
          if (entry.$case === "transition" && entry.value.down) {
            expect([...open.values()].every(({ type }) => type === 9)).toBe(true);
          }
          const ofRules = [...open.values()].filter(({ type }) => type !== 9);
          expect(analysis.open).toBeGreaterThanOrEqual(ofRules.length);
          const names =
            entry.$case === "rules" ? entry.value.rules?.rules.map(({ name }) => name) : undefined;
          if (names !== undefined) for (const { rule } of ofRules) expect(names).toContain(rule);
        }
      }),
      { numRuns: 150 },
    );
  });
});
