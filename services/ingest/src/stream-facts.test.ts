import { expect, test } from "vitest";
import { AnalysisGap } from "./stream-facts.ts";

function gap() {
  const clock = { now: 0 };
  return { clock, gap: new AnalysisGap(() => clock.now) };
}

test("counts from the first packet that no inference has followed", () => {
  const { clock, gap: analysis } = gap();
  expect(analysis.missingSeconds(0)).toBe(0);
  for (clock.now = 1_000; clock.now <= 31_000; clock.now += 1_000) analysis.arrive();
  clock.now = 31_000;
  expect(analysis.missingSeconds(0)).toBe(30);
  expect(analysis.missingSeconds(20)).toBe(10);
  analysis.infer();
  expect(analysis.missingSeconds(0)).toBe(0);
});

test("a camera that sends nothing misses nothing", () => {
  const { clock, gap: analysis } = gap();
  analysis.arrive();
  analysis.infer();
  clock.now = 60_000;
  expect(analysis.missingSeconds(0)).toBe(0);
  analysis.arrive();
  clock.now = 90_000;
  analysis.end();
  expect(analysis.missingSeconds(0)).toBe(0);
});
