import type { HttpSample } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { SeriesWindow, stack } from "./series-window.ts";

function sample(second: number, tracks = 0): HttpSample {
  return {
    timeMs: second * 1000,
    captured: 0,
    inferred: 0,
    dropped: {},
    latencyMs: null,
    stagesMs: {},
    tracks,
  };
}
const tracks = (one: HttpSample) => one.tracks;

describe("series window", () => {
  it("joins what was fetched with what came live, each second once", () => {
    const window = new SeriesWindow(60);
    window.add([sample(12, 1)]);
    window.add([sample(10, 2), sample(11, 3), sample(12, 4)]);
    window.add([sample(13, 5)]);
    expect(window.columns([tracks])).toEqual([
      [10, 11, 12, 13],
      [2, 3, 4, 5],
    ]);
  });

  it("forgets what is older than the window", () => {
    const window = new SeriesWindow(2);
    window.add([sample(1), sample(2), sample(3)]);
    expect(window.columns([])[0]).toEqual([2, 3]);
  });

  it("shows where seconds are missing", () => {
    const window = new SeriesWindow(60);
    window.add([sample(1, 1), sample(2, 2), sample(9, 3)]);
    expect(window.columns([tracks])).toEqual([
      [1, 2, 3, 9],
      [1, 2, null, 3],
    ]);
  });
});

it("stacks columns and keeps gaps", () => {
  expect(
    stack([
      [1, 2, null],
      [10, 20, null],
      [0.5, 0.5, null],
    ]),
  ).toEqual([
    [1, 2, null],
    [11, 22, null],
    [11.5, 22.5, null],
  ]);
});
