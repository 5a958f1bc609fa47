import { describe, expect, it } from "vitest";
import { PictureBudget } from "./picture-budget.ts";

describe("picture budget", () => {
  it("shares pictures among the cameras shown", () => {
    const budget = new PictureBudget();
    expect(budget.maxFps(1)).toBe(25);
    expect(budget.maxFps(16)).toBe(10);
    expect(budget.maxFps(64)).toBe(2.5);
    expect(budget.maxFps(0)).toBe(25);
  });

  it("shrinks while the page is slow, down to a floor, and grows back", () => {
    const budget = new PictureBudget();
    for (let second = 0; second < 20; second++) budget.report(12);
    expect(budget.maxFps(16)).toBe(1.5);
    expect(budget.report(12)).toBe(false);
    for (let second = 0; second < 60; second++) budget.report(60);
    expect(budget.maxFps(16)).toBe(15);
    expect(budget.report(48)).toBe(false);
  });
});
