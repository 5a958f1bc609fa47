import { toTimestamp } from "@sightline/contracts";
import { parseRules } from "@sightline/rules";
import { describe, expect, it } from "vitest";
import { CameraAnalysis } from "./camera-analysis.ts";
import { frameOf, type Thing } from "./testing/frame-of.ts";
import { TrackAttributes } from "./track-attributes.ts";

const reading = (values: Record<string, number>) => [
  { name: "colour", values: Object.entries(values).map(([value, probability]) => ({ value, probability })) },
];
const shown = (known: ReturnType<TrackAttributes["see"]>) =>
  known.map(({ value, score }) => `${value} ${score.toFixed(2)}`).join();

describe("what a track is taken for", () => {
  it("is the value of the highest mean probability, not known from one look", () => {
    const tracks = new TrackAttributes();
    expect(shown(tracks.see(1, reading({ red: 0.9, blue: 0.1 })))).toBe("");
    expect(shown(tracks.see(1, reading({ red: 0.7, blue: 0.3 })))).toBe("red 0.80");
    // A frame in which nobody looked changes nothing, and another track is another.
    expect(shown(tracks.see(1, []))).toBe("red 0.80");
    expect(shown(tracks.see(2, []))).toBe("");
  });

  it("is not known while no value has a half", () => {
    const tracks = new TrackAttributes();
    const torn = { red: 0.45, blue: 0.4, green: 0.15 };
    for (let look = 0; look < 5; look++) expect(shown(tracks.see(1, reading(torn)))).toBe("");
    for (let look = 0; look < 5; look++) tracks.see(1, reading({ red: 0.9 }));
    expect(shown(tracks.see(1, []))).toBe("red 0.68");
  });

  it("changes only when another value is well ahead", () => {
    const tracks = new TrackAttributes();
    for (let look = 0; look < 4; look++) tracks.see(1, reading({ red: 0.9, blue: 0.1 }));
    for (let look = 0; look < 4; look++) tracks.see(1, reading({ red: 0.05, blue: 0.95 }));
    expect(shown(tracks.see(1, []))).toBe("red 0.47");
    tracks.see(1, reading({ blue: 1 }));
    expect(shown(tracks.see(1, reading({ blue: 1 })))).toBe("blue 0.62");
  });

  it("goes on from a snapshot, and is forgotten with the track", () => {
    const before = new TrackAttributes();
    before.see(1, reading({ red: 0.9 }));
    const after = new TrackAttributes(JSON.parse(JSON.stringify(before.snapshot())));
    expect(shown(after.see(1, reading({ red: 0.8 })))).toBe("red 0.85");
    after.forget([1]);
    expect(after.snapshot()).toEqual([]);
  });
});

it("a camera's analysis tells it on detections and events, and comes to the same again from its own timeline", () => {
  const rules = parseRules({ rules: [{ type: "appeared", attributes: { colour: "red" } }] });
  const film = (analysis: CameraAnalysis, from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => {
      const number = from + i + 1;
      const thing: Thing = { x: 0.3, y: 0.5, read: { colour: { red: 0.8, blue: 0.2 } } };
      const other: Thing = { x: 0.7, y: 0.5, read: { colour: { blue: 0.9, red: 0.1 } } };
      const frame = frameOf({
        ...{ epoch: "e", number, captureMs: 1_000_000 + number * 40, ptsUs: number * 40_000 },
        things: number % 3 === 0 ? [thing, { ...other, read: {} }] : [thing, other],
      });
      const events = analysis.frame(frame);
      return { frame, events };
    });
  const begin = () => {
    const analysis = new CameraAnalysis("door", "t");
    analysis.rulesChanged({ time: toTimestamp(1_000_000), rules });
    return analysis;
  };
  const whole = film(begin(), 0, 10);
  const events = whole.flatMap((step) => step.events);
  expect(events.map(({ message }) => message)).toEqual(["person (colour red) appeared"]);
  const last = whole.at(-1)!.frame.detections;
  expect(last.map(({ attributes }) => attributes.map(({ name, value }) => `${name} ${value}`))).toEqual([
    ["colour red"],
    ["colour blue"],
  ]);
  // The first frame belongs to no track yet; of it alone is told what it says.
  expect(whole[0]!.frame.detections[0]!.attributes).toMatchObject([{ name: "colour", value: "red" }]);

  const first = begin();
  const halves = film(first, 0, 4);
  const stored = JSON.parse(JSON.stringify(first.snapshot()));
  halves.push(...film(new CameraAnalysis("door", "t", stored), 4, 10));
  expect(halves).toEqual(whole);
  // What was told before goes in again when the timeline is read, and changes nothing.
  const again = begin();
  for (const { frame, events } of whole) {
    const read = structuredClone(frame);
    expect(again.frame(read)).toEqual(events);
    expect(read).toEqual(frame);
  }
});
