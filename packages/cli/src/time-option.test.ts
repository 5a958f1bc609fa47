import { InvalidArgumentError } from "commander";
import { expect, test } from "vitest";
import { timeOption } from "./time-option.ts";

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
