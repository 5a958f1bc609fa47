import { hasLabels } from "@sightline/contracts";
import { describe, expect, test } from "vitest";
import { CameraScope, covers } from "./camera-scope.ts";

test("cameras are named by ids and by beginnings of ids, and a token's lie within its user's", () => {
  const yard = new CameraScope(["yard-*", "front"]);
  expect(["yard-1", "front", "yard-", "yar", "front-2", "backyard-1"].map((id) => yard.sees(id))).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  expect(yard.seesName("cameras/front")).toBe(true);
  expect(yard.seesName("front")).toBe(false);
  expect(yard.ids).toBeUndefined();
  const token = new CameraScope(["*"], ["front", "back"]);
  expect(token.ids).toEqual(["back", "front"]);
  expect(new CameraScope(["front", "side"], ["front", "back"]).ids).toEqual(["front"]);
  expect(new CameraScope(["*"]).all).toBe(true);
  expect(new CameraScope(["a", "b"]).key).toBe(new CameraScope(["b", "a", "a"]).key);
  expect(covers(yard, ["yard-2", "yard-1*", "front"])).toBe(true);
  for (const more of ["*", "yard*", "side"]) expect(covers(yard, [more])).toBe(false);
  // Cameras of a site are seen by beginnings of their ids.
  const seesSite = (patterns: string[], within?: string[]) =>
    new CameraScope(patterns, within).seesSome("north-");
  for (const patterns of [["*"], ["north-*"], ["no*"], ["north-door"], ["front", "north-d*"]])
    expect(seesSite(patterns)).toBe(true);
  for (const patterns of [["front"], ["north"], ["northern-*"], []]) expect(seesSite(patterns)).toBe(false);
  expect(seesSite(["*"], ["south-*"])).toBe(false);
});

describe("labels", () => {
  const cameras: Record<string, Record<string, string>> = {
    gate: { site: "north" },
    dock: { site: "north", floor: "2" },
    vault: { site: "south" },
  };
  const labels = {
    idsWith: (label: string) => Object.keys(cameras).filter((id) => hasLabels(cameras[id]!, [label])),
  };
  const scopeOf = (patterns: string[], within?: string[]) => new CameraScope(patterns, within, labels);

  test("stand for the cameras that have them, beside names", () => {
    expect(scopeOf(["site=north"]).ids).toEqual(["dock", "gate"]);
    expect(scopeOf(["floor=2", "vault"]).ids).toEqual(["dock", "vault"]);
    const mixed = scopeOf(["site=north", "va*"]);
    expect(["gate", "dock", "vault", "yard"].map((id) => mixed.sees(id))).toEqual([true, true, true, false]);
  });

  test("that no camera has are no cameras, which is not the same as all", () => {
    const none = scopeOf(["site=west"]);
    expect(none.ids).toEqual([]);
    expect(none.all).toBe(false);
    expect(none.sees("gate")).toBe(false);
    expect(none.key).not.toBe(new CameraScope(["*"]).key);
  });

  test("of a token lie within its user's", () => {
    expect(scopeOf(["floor=2"], ["site=north"]).ids).toEqual(["dock"]);
    expect(scopeOf(["vault"], ["site=north"]).ids).toEqual([]);
    expect(covers(scopeOf(["site=north"]), ["site=north"])).toBe(true);
    for (const more of ["site=south", "floor=2", "gate*", "*"])
      expect(covers(scopeOf(["site=north"]), [more])).toBe(false);
    // Nor are they covered by a beginning of ids that they begin with.
    for (const ids of ["yard-*", "s*"]) expect(covers(scopeOf([ids]), ["site=north"])).toBe(false);
  });

  test("that come to stand for other cameras make a scope stale", () => {
    const north = scopeOf(["site=north"]);
    const named = scopeOf(["gate"]);
    expect(north.isStale(labels)).toBe(false);
    cameras.vault = { site: "north" };
    expect(north.isStale(labels)).toBe(true);
    expect(named.isStale(labels)).toBe(false);
    expect(north.sees("vault")).toBe(false);
    cameras.vault = { site: "south" };
  });

  test("may be changed as long as the camera is still seen", () => {
    const north = scopeOf(["site=north", "yard-*"], ["site=north", "yard-1"]);
    expect(north.wouldSee("gate", { site: "north", floor: "3" })).toBe(true);
    expect(north.wouldSee("gate", { site: "south" })).toBe(false);
    expect(north.wouldSee("yard-1", {})).toBe(true);
    expect(north.wouldSee("yard-2", {})).toBe(false);
    expect(new CameraScope(["*"]).wouldSee("gate", {})).toBe(true);
  });
});
