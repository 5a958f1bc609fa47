import {
  CameraChange,
  CameraReason,
  CameraTransition,
  type TimelineEntry,
  toTimestamp,
} from "@sightline/contracts";
import { parseRules } from "@sightline/rules";
import { anyRules } from "@sightline/rules/testing";
import fc from "fast-check";
import { frameOf, type Thing } from "./frame-of.ts";

export type Entry = NonNullable<TimelineEntry["entry"]>;

const startMs = Date.parse("2026-01-05T21:59:30Z");
const classNames = ["person", "car", "dog"];

/** Uniform: fast-check's doubles are mostly tiny. */
const between = (least: number, most: number) =>
  fc.integer({ min: 0, max: 1000 }).map((n) => least + ((most - least) * n) / 1000);
const part = between(0, 1);

/** An object that moves from one place to another over the frames, and is hidden in some of them. */
const walker = fc.record({
  classId: fc.nat({ max: 2 }),
  /** The class that is detected instead in every nth frame. */
  flickers: fc.option(fc.record({ classId: fc.nat({ max: 2 }), every: fc.integer({ min: 2, max: 9 }) })),
  from: fc.tuple(part, part),
  to: fc.tuple(part, part),
  first: fc.nat({ max: 15 }),
  frames: fc.integer({ min: 10, max: 100 }),
  size: between(0.1, 0.3),
  score: between(0.5, 1),
  /** What second stages read, in turn. */
  read: fc.array(
    fc.constantFrom<Thing["read"]>(
      {},
      { colour: { red: 0.8, blue: 0.2 } },
      { colour: { blue: 0.95, red: 0.05 } },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  hidden: fc.array(fc.nat({ max: 60 }), { maxLength: 8 }),
});

const step = fc.oneof(
  {
    weight: 50,
    arbitrary: fc.record({ kind: fc.constant("frame" as const), passedMs: fc.integer({ min: 0, max: 100 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("tick" as const), passedMs: fc.integer({ min: 0, max: 2500 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      byMs: fc.constantFrom(-3_600_000, -700, 700, 3_600_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("epoch" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("transition" as const),
      down: fc.boolean(),
      reason: fc.constantFrom(CameraReason.STALLED, CameraReason.UNREACHABLE),
      change: fc.constantFrom(CameraChange.UNSPECIFIED, CameraChange.UNSPECIFIED, CameraChange.ADDRESS),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rules" as const), rules: anyRules }) },
);

/** Anything that may happen to a camera: frames, ticks, set clocks, new epochs, failures, rule changes. */
export const anyStory: fc.Arbitrary<Entry[]> = fc
  .record({
    rules: anyRules,
    walkers: fc.array(walker, { minLength: 2, maxLength: 6 }),
    steps: fc.array(step, { minLength: 60, maxLength: 120, size: "max" }),
  })
  .map(({ rules, walkers, steps }) => {
    let nowMs = startMs;
    let offsetMs = 0;
    let epoch = 1;
    let number = 0;
    const time = () => toTimestamp(nowMs + offsetMs);
    const rulesEntry = (value: unknown): Entry => ({
      $case: "rules",
      value: { time: time(), rules: parseRules(value) },
    });
    const entries: Entry[] = [rulesEntry(rules)];
    for (const next of steps) {
      switch (next.kind) {
        case "frame":
          nowMs += next.passedMs;
          number++;
          entries.push({
            $case: "frame",
            value: frameOf({
              epoch: `e${epoch}`,
              number,
              captureMs: nowMs + offsetMs,
              ptsUs: (nowMs - startMs) * 1000,
              things: walkers.flatMap((walker) => thingsAt(walker, number)),
            }),
          });
          break;
        case "tick":
          nowMs += next.passedMs;
          entries.push({ $case: "tick", value: { time: time() } });
          break;
        case "clock":
          offsetMs += next.byMs;
          break;
        case "epoch":
          epoch++;
          break;
        case "transition": {
          const { down, reason, change } = next;
          const value = CameraTransition.fromPartial({ time: time(), down, reason, change });
          entries.push({ $case: "transition", value });
          break;
        }
        case "rules":
          entries.push(rulesEntry(next.rules));
          break;
      }
    }
    return entries;
  });

function thingsAt(
  {
    classId: ordinary,
    flickers,
    from,
    to,
    first,
    frames,
    size,
    score,
    read,
    hidden,
  }: typeof walker extends fc.Arbitrary<infer W> ? W : never,
  number: number,
): Thing[] {
  const age = number - first;
  if (age < 0 || age >= frames || hidden.includes(age)) return [];
  const along = age / frames;
  const classId = flickers !== null && age % flickers.every === 0 ? flickers.classId : ordinary;
  return [
    {
      classId,
      className: classNames[classId]!,
      score,
      read: read[age % read.length]!,
      x: from[0] + (to[0] - from[0]) * along,
      y: from[1] + (to[1] - from[1]) * along,
      width: size,
      height: size,
    },
  ];
}
