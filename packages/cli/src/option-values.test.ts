import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { attributeValues, numberWithin, timeOption, wholeNumber } from "./option-values.ts";

test("whole numbers within the bounds", () => {
  expect(["1", "1e3", " 7 "].map(wholeNumber(1))).toEqual([1, 1000, 7]);
  expect(["0", "5"].map(wholeNumber(0, 5))).toEqual([0, 5]);
});

test.each(["", " ", "0", "-1", "1.5", "7", "x", "1 2", "NaN", "Infinity", "1e400"])(
  "'%s' is none from 1 to 6",
  (text) => {
    expect(() => wholeNumber(1, 6)(text)).toThrow(InvalidArgumentError);
    expect(() => wholeNumber(1, 6)(text)).toThrow("from 1 to 6");
  },
);

test("numbers within the bounds, and no others", () => {
  expect(["0", "0.5", "240"].map(numberWithin(0, 240))).toEqual([0, 0.5, 240]);
  for (const text of ["", "-1", "241", "x", "NaN"])
    expect(() => numberWithin(0, 240)(text)).toThrow("expected a number from 0 to 240");
});

test("dates and times", () => {
  expect(timeOption("2026-03-01").toISOString()).toBe("2026-03-01T00:00:00.000Z");
  expect(timeOption("2028-02-29T08:00Z").toISOString()).toBe("2028-02-29T08:00:00.000Z");
  expect(timeOption("2026-03-01T08:00:00.5+02:00").toISOString()).toBe("2026-03-01T06:00:00.500Z");
  expect(timeOption("2026-03-01T08:00")).toEqual(new Date(2026, 2, 1, 8));
});

test.each([
  ...["", "yesterday", "2026", "12:00", "1.3.2026", "2026-02-31", "2026-02-29T08:00Z", "2026-13-01"],
  ...["2026-03-1", "2026-2-03", "2026-03-010", "2026-03-01 (x)", "2026-03-01T8:00", "2026-03-01T25:00Z"],
])("'%s' is none", (text) => {
  expect(() => timeOption(text)).toThrow(InvalidArgumentError);
});

test("attributes are asked for by name and values, each option adding to those before", () => {
  const one = attributeValues("colour=red, blue");
  expect(one).toEqual({ colour: ["red", "blue"] });
  expect(attributeValues("helmet=none", attributeValues("colour=green", one))).toEqual({
    colour: ["red", "blue", "green"],
    helmet: ["none"],
  });
  for (const odd of ["colour", "=red", "colour=", "colour=red,,blue"])
    expect(() => attributeValues(odd)).toThrow("such as colour=red");
});
