import { CameraReason, enumName } from "@sightline/contracts";
import { expect, it } from "vitest";
import { reasonName, sentence, stateName } from "./names.ts";

it("has words of its own for every reason that a camera can have", () => {
  const reasons = Object.values(CameraReason)
    .filter((reason) => typeof reason === "number" && reason !== CameraReason.UNSPECIFIED)
    .map((reason) => enumName(CameraReason, reason as CameraReason));
  expect(reasons.length).toBeGreaterThan(10);
  const names = reasons.map(reasonName);
  expect(new Set(names).size).toBe(reasons.length);
  for (const name of names) expect(name).not.toMatch(/_|dns/i);
  expect(reasonName("eaten_by_a_bear")).toBe("eaten by a bear");
  expect(reasonName("")).toBe("no reason given");
});

it("says of a camera that no worker looks at that it is not analysed", () => {
  expect(stateName({ state: "live", reason: "" })).toBe("live");
  expect(stateName({ state: "live", reason: "model_not_served" })).toBe("not analysed");
  expect(stateName({ state: "down", reason: "stalled" })).toBe("down");
});

it("makes a sentence of what the server says", () => {
  expect(sentence("there is no camera 'x'")).toBe("There is no camera 'x'.");
  expect(sentence(" Is it running? ")).toBe("Is it running?");
  expect(sentence("")).toBe("");
});
