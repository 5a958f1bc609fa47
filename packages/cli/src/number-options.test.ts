import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { numberWithin, wholeNumber } from "./number-options.ts";

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
