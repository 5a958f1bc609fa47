import type { HttpCamera, HttpFinding } from "@sightline/contracts";
import { words } from "../words/names.ts";
import { plural } from "../words/numbers.ts";

/** The state of the whole system in one sentence, and what to do about it. */
export interface HealthSummary {
  level: "ok" | "info" | "warning" | "error";
  text: string;
  /** Empty when there is nothing to do. */
  fix: string;
  /** How many other things are the matter. */
  more: number;
}

type Trouble = Omit<HealthSummary, "more">;

const mostNames = 3;

/** The worst trouble first; all others are counted. */
export function summarise(cameras: readonly HttpCamera[], system: readonly HttpFinding[]): HealthSummary {
  if (cameras.length === 0 && !system.some((finding) => finding.level === "error"))
    return {
      level: "info",
      text: "No camera is registered yet.",
      fix: "Add the first one to begin.",
      more: 0,
    };
  const troubles = [...downCameras(cameras), ...systemTroubles(system, "error"), ...slowCameras(cameras)];
  troubles.push(...systemTroubles(system, "warning"), ...startingCameras(cameras));
  const worst =
    troubles.find((trouble) => trouble.level === "error") ??
    troubles.find((trouble) => trouble.level === "warning") ??
    troubles[0];
  if (worst) return { ...worst, more: troubles.length - 1 };
  const all = cameras.length === 1 ? "The camera is" : `All ${cameras.length} cameras are`;
  return { level: "ok", text: `${all} live, and analysis keeps up.`, fix: "", more: 0 };
}

function downCameras(cameras: readonly HttpCamera[]): Trouble[] {
  const down = cameras.filter((camera) => camera.status.state === "down");
  if (down.length === 0) return [];
  const named = down.map((camera) => `${camera.id} (${words(camera.status.reason || "no reason given")})`);
  const verb = down.length === 1 ? "is" : "are";
  return [
    {
      level: "error",
      text: `${down.length} of ${plural(cameras.length, "camera")} ${verb} down: ${list(named)}.`,
      fix: firstFix(down, "error"),
    },
  ];
}

/** Cameras that give frames with which something is the matter, gathered by what it is. */
function slowCameras(cameras: readonly HttpCamera[]): Trouble[] {
  const byText = new Map<string, { finding: HttpFinding; ids: string[] }>();
  for (const camera of cameras) {
    if (camera.status.state === "down") continue;
    const finding =
      camera.findings.find((one) => one.level === "error") ??
      camera.findings.find((one) => one.level !== "ok");
    if (!finding || isStarting(camera)) continue;
    // The fix says which trouble it is: texts hold the camera's own figures.
    const group = byText.get(finding.fix) ?? { finding, ids: [] };
    group.ids.push(camera.id);
    byText.set(finding.fix, group);
  }
  return [...byText.values()].map(({ finding, ids }) => ({
    level: finding.level === "error" ? "error" : "warning",
    text: `${ids.length > 1 ? `${plural(ids.length, "camera")} (${list(ids)})` : ids[0]}: ${finding.text}`,
    fix: finding.fix,
  }));
}

function startingCameras(cameras: readonly HttpCamera[]): Trouble[] {
  const starting = cameras.filter(isStarting);
  if (starting.length === 0) return [];
  return [
    {
      level: "info",
      text: `${starting.length} of ${plural(cameras.length, "camera")} ${starting.length === 1 ? "is" : "are"} starting: ${list(starting.map((camera) => camera.id))}.`,
      fix: firstFix(starting, "warning"),
    },
  ];
}

function isStarting(camera: HttpCamera): boolean {
  return camera.status.state === "connecting" || camera.status.state === "pending";
}

function systemTroubles(findings: readonly HttpFinding[], level: "error" | "warning"): Trouble[] {
  return findings.filter((finding) => finding.level === level).map(({ text, fix }) => ({ level, text, fix }));
}

function firstFix(cameras: readonly HttpCamera[], level: HttpFinding["level"]): string {
  for (const { findings, status } of cameras) {
    const finding = findings.find((one) => one.level === level && one.fix !== "");
    if (finding) return finding.fix;
    if (status.message !== "") return status.message;
  }
  return "";
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, mostNames).join(", ");
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}
