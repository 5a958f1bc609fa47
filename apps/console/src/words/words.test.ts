import { CameraReason, enumName, type HttpFinding } from "@sightline/contracts";
import { expect, it } from "vitest";
import { groupFindings, reasonName, sentence, stateName } from "./names.ts";
import {
  formatBytes,
  formatDuration,
  formatFps,
  formatMs,
  formatShare,
  plural,
} from "./numbers-and-times.ts";

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

const finding = (text: string, fix: string, level: HttpFinding["level"] = "warning") => ({
  level,
  text,
  fix,
});
const all = (findings: readonly HttpFinding[]) => findings;

it("gathers what is the matter with several cameras, whatever their figures", () => {
  const late = (percent: number) => finding(`${percent}% of the frames are late.`, "Add a worker.");
  const groups = groupFindings(
    [
      { id: "a", findings: [late(12), finding("It sends 2 frames per second.", "Ask for fewer.")] },
      { id: "b", findings: [late(30)] },
      { id: "c", findings: [finding("All is well.", "", "ok")] },
      { id: "d", findings: [finding("30% of the frames are late.", "Add a worker.", "error")] },
    ],
    all,
  );
  expect(groups.map(({ finding, cameras }) => [finding.text, cameras.map(({ id }) => id)])).toEqual([
    ["12% of the frames are late.", ["a", "b"]],
    ["It sends 2 frames per second.", ["a"]],
    ["All is well.", ["c"]],
    ["30% of the frames are late.", ["d"]],
  ]);
  expect(groups[0]?.cameras).toEqual([
    { id: "a", text: "12% of the frames are late." },
    { id: "b", text: "30% of the frames are late." },
  ]);
});

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
