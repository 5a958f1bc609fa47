import { expect, it } from "vitest";
import { formatBytes, formatDuration, formatFps, formatMs, formatShare, plural } from "./numbers.ts";

/** As people see it: units are tied to their numbers by spaces that do not break. */
const seen = (text: string) => text.replaceAll("\u00a0", " ");

it("writes figures with the digits that matter", () => {
  expect([0, 4.96, 9.97, 29.6].map(formatFps)).toEqual(["0", "5.0", "10", "30"]);
  expect([0.42, 84.4, 1_500, 42_000].map(formatMs).map(seen)).toEqual(["0.4 ms", "84 ms", "1.5 s", "42 s"]);
  expect([0, 512, 1_500, 25_300_000].map(formatBytes).map(seen)).toEqual(["0 B", "512 B", "1.5 kB", "25 MB"]);
  expect([1.5, 45, 200, 7_200, 604_800].map(formatDuration).map(seen)).toEqual([
    "1.5 s",
    "45 s",
    "3 min",
    "2 h",
    "7 days",
  ]);
  expect([plural(1, "camera"), plural(0, "camera"), plural(2, "class", "classes")]).toEqual([
    "1 camera",
    "0 cameras",
    "2 classes",
  ]);
});

it("does not round a share to nothing or to all", () => {
  expect([0, 0.0001, 0.042, 0.5, 0.9999, 1].map(formatShare).map(seen)).toEqual([
    "0%",
    "<0.1%",
    "4.2%",
    "50%",
    ">99.9%",
    "100%",
  ]);
});
