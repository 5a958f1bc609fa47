import type { HttpCamera, HttpFinding, HttpSystem } from "@sightline/contracts";
import { groupFindings, reasonName, sentence } from "../words/names.ts";
import { plural } from "../words/numbers-and-times.ts";

/** The state of the whole system in one sentence, and what to do about it. */
export interface HealthSummary {
  level: "ok" | "info" | "warning" | "error";
  text: string;
  /** Empty when there is nothing to do. */
  fix: string;
  /** Whether there are other problems too. */
  more: boolean;
}

type Trouble = Omit<HealthSummary, "more">;

const mostNames = 3;

/**
 * The worst problem first. Faults are ordered by how much they stop: NATS is away, then a model that no worker serves, then cameras that
 * are down.
 */
export function summarise(
  cameras: readonly HttpCamera[],
  system: Pick<HttpSystem, "findings" | "nats"> | undefined,
): HealthSummary {
  const findings = system?.findings ?? [];
  const faults = systemTroubles(findings, "error");
  if (cameras.length === 0 && faults.length === 0)
    return {
      level: "info",
      text: "No camera is registered yet.",
      fix: "Add the first one to begin.",
      more: false,
    };
  const [unserved, served] = partition(cameras, ({ status }) => status.reason === "model_not_served");
  const troubles = system?.nats.connected === false ? faults.splice(0) : [];
  troubles.push(...slowCameras(unserved), ...downCameras(cameras), ...faults, ...slowCameras(served));
  troubles.push(...systemTroubles(findings, "warning"), ...startingCameras(cameras));
  const worst =
    troubles.find((trouble) => trouble.level === "error") ??
    troubles.find((trouble) => trouble.level === "warning") ??
    troubles[0];
  if (worst) return { ...worst, more: troubles.length > 1 };
  const all = cameras.length === 1 ? "The camera is" : `All ${cameras.length} cameras are`;
  return { level: "ok", text: `${all} live, and analysis keeps up.`, fix: "", more: false };
}

function downCameras(cameras: readonly HttpCamera[]): Trouble[] {
  const down = cameras.filter((camera) => camera.status.state === "down");
  if (down.length === 0) return [];
  const verb = down.length === 1 ? "is" : "are";
  const byReason = Map.groupBy(down, (camera) => reasonName(camera.status.reason));
  const named = [...byReason].map(([reason, of]) => `${list(of.map(({ id }) => id))} (${reason})`);
  return [
    {
      level: "error",
      text: `${down.length} of ${plural(cameras.length, "camera")} ${verb} down: ${list(named, "; ")}.`,
      fix: sharedFix(down, "error"),
    },
  ];
}

/** Cameras that send frames but have findings, grouped by problem. */
function slowCameras(cameras: readonly HttpCamera[]): Trouble[] {
  const troubled = cameras.filter((camera) => camera.status.state !== "down" && !isStarting(camera));
  const worst = (findings: readonly HttpFinding[]) => {
    const finding =
      findings.find((one) => one.level === "error") ?? findings.find((one) => one.level !== "ok");
    return finding ? [finding] : [];
  };
  return groupFindings(troubled, worst).map(({ finding, cameras: [first, ...more] }) => ({
    level: finding.level === "error" ? "error" : "warning",
    // The figures in the text are those of the first camera.
    text: `${more.length > 0 ? `${plural(more.length + 1, "camera")}, such as ` : ""}${first?.id}: ${finding.text}`,
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
      fix: sharedFix(starting, "warning"),
    },
  ];
}

function isStarting(camera: HttpCamera): boolean {
  return camera.status.state === "connecting" || camera.status.state === "pending";
}

function systemTroubles(findings: readonly HttpFinding[], level: "error" | "warning"): Trouble[] {
  return findings.filter((finding) => finding.level === level).map(({ text, fix }) => ({ level, text, fix }));
}

/** What to do about all of them; if that differs, what to do about the first, with its name. */
function sharedFix(cameras: readonly HttpCamera[], level: HttpFinding["level"]): string {
  const fixes = cameras.map(({ id, findings, status }) => {
    const fix = findings.find((one) => one.level === level && one.fix !== "")?.fix;
    return { id, fix: fix ?? sentence(status.message) };
  });
  const first = fixes.find(({ fix }) => fix !== "");
  if (!first) return "";
  return fixes.every(({ fix }) => fix === first.fix) ? first.fix : `${first.id}: ${first.fix}`;
}

function partition<T>(all: readonly T[], wanted: (one: T) => boolean): [T[], T[]] {
  return [all.filter(wanted), all.filter((one) => !wanted(one))];
}

function list(names: readonly string[], between = ", "): string {
  const shown = names.slice(0, mostNames).join(between);
  return names.length > mostNames ? `${shown} and ${names.length - mostNames} more` : shown;
}
