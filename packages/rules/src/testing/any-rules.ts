import fc from "fast-check";

/** Hundredths, so that both ends of 0..1 occur. */
const coordinate = fc.integer({ min: 0, max: 100 }).map((n) => n / 100);
const seconds = fc.oneof(
  fc.constant(0),
  fc.integer({ min: 1, max: 20 }).map((n) => n / 10),
);

/** A box-shaped polygon. */
const polygon = fc
  .tuple(coordinate, coordinate, coordinate, coordinate)
  .filter(([a, b, c, d]) => a !== c && b !== d)
  .map(([a, b, c, d]) => [
    [a, b],
    [c, b],
    [c, d],
    [a, d],
  ]);
const line = fc
  .tuple(coordinate, coordinate, coordinate, coordinate)
  .filter(([a, b, c, d]) => a !== c || b !== d)
  .map(([a, b, c, d]) => ({ start: [a, b], end: [c, d] }));

const zoneNames = ["yard", "road 2"];
const zone = fc.constantFrom(...zoneNames);
const maybeZone = fc.option(zone, { nil: undefined });
const clockTime = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
  .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));

const common = {
  classes: fc.option(fc.subarray(["person", "car", "dog"]), { nil: undefined, freq: 1 }),
  min_score: fc.option(
    fc.integer({ min: 0, max: 10 }).map((n) => n / 10),
    { nil: undefined },
  ),
  attributes: fc.option(
    fc.record({ colour: fc.subarray(["red", "blue"], { minLength: 1 }) }, { requiredKeys: [] }),
    { nil: undefined, freq: 1 },
  ),
  cooldown_seconds: seconds,
  active_hours: fc.option(
    fc
      .record({
        days: fc.subarray([1, 2, 3, 4, 5, 6, 7]),
        start: clockTime,
        end: clockTime,
        time_zone: fc.constantFrom("", "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"),
      })
      .filter(({ start, end }) => start !== end),
    { nil: undefined, freq: 4 },
  ),
};
const inPlace = { ...common, debounce_seconds: seconds };

const rule = fc.oneof(
  fc.record({
    type: fc.constantFrom("appeared", "left"),
    zone: maybeZone,
    min_dwell_seconds: seconds,
    ...inPlace,
  }),
  fc.record({
    type: fc.constantFrom("entered_zone", "left_zone"),
    zone,
    min_dwell_seconds: seconds,
    ...inPlace,
  }),
  fc.record({
    type: fc.constant("dwelled"),
    zone: maybeZone,
    min_dwell_seconds: seconds.filter((value) => value > 0),
    ...inPlace,
  }),
  fc.record({
    type: fc.constantFrom("count_above", "count_below"),
    zone: maybeZone,
    count: fc.integer({ min: 1, max: 5 }),
    min_dwell_seconds: seconds,
    ...inPlace,
  }),
  fc.record({
    type: fc.constant("crossed_line"),
    line: fc.constant("gate"),
    direction: fc.constantFrom(undefined, "left_to_right", "right_to_left"),
    ...common,
  }),
);

/** Valid rules of all kinds, in the form of a rules file. */
export const anyRules = fc.record({
  zones: fc
    .tuple(polygon, polygon)
    .map((polygons) => polygons.map((corners, index) => ({ name: zoneNames[index], polygon: corners }))),
  lines: line.map((ends) => [{ name: "gate", ...ends }]),
  masks: fc.array(fc.record({ mode: fc.constantFrom("exclude", "include"), polygon }), { maxLength: 1 }),
  rules: fc.array(rule, { minLength: 3, maxLength: 10 }),
});
