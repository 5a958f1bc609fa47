import { describe, expect, it } from "vitest";
import { ledgerParts, sharesOf } from "./ledger-parts.ts";

describe("ledger", () => {
  it("accounts for every frame, in a steady order, with shares that add up to 100%", () => {
    const parts = ledgerParts({
      captured: 3003,
      inferred: 1000,
      dropped: { worker_lost: 1, superseded: 1000, sampled_out: 1000, stale: 0 },
      inFlight: 2,
    });
    expect(parts.map((part) => [part.name, part.count])).toEqual([
      ["Inferred", 1000],
      ["Sampled out", 1000],
      ["Superseded", 1000],
      ["Worker lost", 1],
      ["In flight", 2],
    ]);
    expect(parts.reduce((sum, part) => sum + part.permille, 0)).toBe(1000);
  });

  it("shows frames that nobody accounts for", () => {
    const parts = ledgerParts({ captured: 10, inferred: 4, dropped: {}, inFlight: 1 });
    expect(parts.at(-1)).toMatchObject({ key: "unaccounted", count: 5, permille: 500 });
  });

  it("takes reasons that it does not know", () => {
    expect(
      ledgerParts({ captured: 2, inferred: 1, dropped: { disk_full: 1 }, inFlight: 0 })[1],
    ).toMatchObject({
      key: "error",
      name: "Disk full",
    });
  });

  it("is empty before the first frame", () => {
    expect(ledgerParts({ captured: 0, inferred: 0, dropped: {}, inFlight: 0 })).toMatchObject([
      { key: "inferred", count: 0, permille: 0 },
    ]);
  });

  it("divides without a remainder", () => {
    expect(sharesOf([1, 1, 1], 1000)).toEqual([334, 333, 333]);
    expect(sharesOf([0, 0], 1000)).toEqual([0, 0]);
    expect(sharesOf([999_999, 1], 1000)).toEqual([1000, 0]);
  });
});
