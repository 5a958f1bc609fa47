import type { HttpCamera, HttpFinding, HttpSystem } from "@sightline/contracts";
import { plainDefaults } from "@sightline/contracts/camera-settings";
import { plainStatusDefaults } from "@sightline/contracts/camera-status";
import { describe, expect, it } from "vitest";
import { summarise } from "./health-summary.ts";

type State = HttpCamera["status"]["state"];

function camera(id: string, state: State, reason = "", findings: HttpFinding[] = []): HttpCamera {
  return {
    id,
    uri: "rtsp://h/x",
    recordUri: "",
    ...plainDefaults,
    privacyMasks: [],
    recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0, audio: false },
    model: "m",
    classes: [],
    labels: {},
    secondStages: [],
    hasCredentials: false,
    hasRecordCredentials: false,
    createTime: "",
    updateTime: "",
    etag: "1",
    figures: null,
    findings,
    status: {
      ...plainStatusDefaults,
      state,
      reason,
      recording: null,
      ledger: { captured: 0, inferred: 0, dropped: {}, inFlight: 0 },
    },
  };
}

function system(connected: boolean, ...findings: HttpFinding[]): Pick<HttpSystem, "findings" | "nats"> {
  return { nats: { connected, version: "2", cluster: "" }, findings };
}

describe("health summary", () => {
  it("says that all is well", () => {
    expect(summarise([camera("a", "live"), camera("b", "live")], system(true))).toEqual({
      level: "ok",
      text: "All 2 cameras are live, and analysis keeps up.",
      fix: "",
      more: false,
    });
  });

  it("tells how to begin when there is no camera", () => {
    expect(summarise([], undefined)).toMatchObject({ level: "info", text: "No camera is registered yet." });
    expect(
      summarise([], system(true, { level: "error", text: "No worker.", fix: "Start one." })),
    ).toMatchObject({
      level: "error",
      text: "No worker.",
    });
  });

  it("names cameras that are down, why, and the fix; and tells that more is the matter", () => {
    const down = [{ level: "error", text: "Nothing listens.", fix: "Check the port." } as const];
    const summary = summarise(
      [camera("a", "live"), camera("b", "down", "connection_refused", down), camera("c", "connecting")],
      system(true, { level: "warning", text: "Workers are full.", fix: "Add one." }),
    );
    expect(summary).toEqual({
      level: "error",
      text: "1 of 3 cameras is down: b (connection refused).",
      fix: "Check the port.",
      more: true,
    });
  });

  it("says whose fix it is when cameras are down for different reasons", () => {
    const fixes = ["Check the port.", "Give the password."].map((fix): HttpFinding[] => [
      { level: "error", text: "Dark.", fix },
    ]);
    const two = [
      camera("a", "down", "connection_refused", fixes[0]),
      camera("b", "down", "unauthorized", fixes[1]),
    ];
    expect(summarise(two, undefined)).toMatchObject({
      text: "2 of 2 cameras are down: a (connection refused); b (unauthorized: wrong user or password).",
      fix: "a: Check the port.",
    });
  });

  it("says a reason once, whoever is down for it", () => {
    const down = (id: string, reason: string) => camera(id, "down", reason);
    const cameras = ["a", "b", "c", "d"].map((id) => down(id, "connection_refused"));
    expect(summarise([...cameras, down("e", "stalled")], undefined).text).toBe(
      "5 of 5 cameras are down: a, b, c and 1 more (connection refused); e (frames have stopped).",
    );
  });

  it("tells first of what stops everything", () => {
    const dark: HttpFinding = { level: "error", text: "1 camera gives no frames.", fix: "Look at it." };
    const unserved: HttpFinding[] = [{ level: "error", text: "No worker serves it.", fix: "Start one." }];
    const cameras = [camera("a", "down", "stalled"), camera("b", "live", "model_not_served", unserved)];
    expect(summarise(cameras, system(true, dark))).toMatchObject({
      level: "error",
      text: "b: No worker serves it.",
      fix: "Start one.",
      more: true,
    });
    const away: HttpFinding = { level: "error", text: "NATS does not answer.", fix: "Start NATS." };
    expect(summarise(cameras, system(false, away))).toMatchObject({ text: "NATS does not answer." });
  });

  it("gathers cameras with the same trouble, and names the one that the text is about", () => {
    const slow = [{ level: "warning", text: "every third frame is lost", fix: "Lower the fps." } as const];
    const cameras = ["a", "b", "c", "d", "e"].map((id) => camera(id, "live", "", slow));
    expect(summarise(cameras, undefined)).toEqual({
      level: "warning",
      text: "5 cameras, such as a: every third frame is lost",
      fix: "Lower the fps.",
      more: false,
    });
  });
});
