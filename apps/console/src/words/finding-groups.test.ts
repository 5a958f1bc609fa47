import type { HttpFinding } from "@sightline/contracts";
import { expect, it } from "vitest";
import { groupFindings } from "./finding-groups.ts";

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
