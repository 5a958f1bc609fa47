import { describe, expect, it } from "vitest";
import { layersWithoutGain, nextToSkip, unprofitableLayers } from "./select-layers.ts";

const trades = [
  { name: "big", error: 0.02, gainMs: 8 },
  { name: "cheap but harmful", error: 0.05, gainMs: 0.1 },
  { name: "slower", error: 0.0001, gainMs: -0.2 },
  { name: "harmless", error: 0.0001, gainMs: 0.001 },
  { name: "untimed", error: 0.001, gainMs: undefined },
];

describe("layer selection", () => {
  it("gives up layers that are slower in INT8", () => {
    expect(layersWithoutGain(trades)).toEqual(["slower"]);
  });

  it("gives up a layer whose error is out of proportion to its gain, and no harmless one", () => {
    expect(unprofitableLayers(trades)).toEqual(["cheap but harmful"]);
  });

  it("gives up the most error per millisecond first, and ends when nothing is left", () => {
    const skipped = new Set<string>();
    const order: string[] = [];
    for (let next = nextToSkip(trades, skipped); next !== undefined; next = nextToSkip(trades, skipped)) {
      order.push(next);
      skipped.add(next);
    }
    expect(order).toHaveLength(5);
    expect(order.slice(0, 2)).toEqual(["untimed", "cheap but harmful"]);
    expect(order.at(-1)).toBe("big");
  });
});
