import type { HttpCamera, HttpFinding } from "@sightline/contracts";
import { describe, expect, it } from "vitest";
import { summarise } from "./health-summary.ts";

type State = HttpCamera["status"]["state"];

function camera(id: string, state: State, reason = "", findings: HttpFinding[] = []): HttpCamera {
  return {
    id,
    uri: "rtsp://h/x",
    transport: "tcp",
    targetFps: 0,
    model: "m",
    minScore: 0,
    classes: [],
    hasCredentials: false,
    createTime: "",
    updateTime: "",
    etag: "1",
    findings,
    status: {
      state,
      reason,
      message: "",
      lastFrameTime: null,
      sourceWidth: 0,
      sourceHeight: 0,
      codec: "",
      captureFps: 0,
      inferenceFps: 0,
      reconnects: 0,
      ingest: "",
      epoch: "",
      ledger: { captured: 0, inferred: 0, dropped: {}, inFlight: 0 },
    },
  };
}

describe("health summary", () => {
  it("says that all is well", () => {
    expect(summarise([camera("a", "live"), camera("b", "live")], [])).toEqual({
      level: "ok",
      text: "All 2 cameras are live, and analysis keeps up.",
      fix: "",
      more: 0,
    });
  });

  it("tells how to begin when there is no camera", () => {
    expect(summarise([], [])).toMatchObject({ level: "info", text: "No camera is registered yet." });
    expect(summarise([], [{ level: "error", text: "No worker.", fix: "Start one." }])).toMatchObject({
      level: "error",
      text: "No worker.",
    });
  });

  it("names cameras that are down, why, and the fix; and counts what else is the matter", () => {
    const down = [{ level: "error", text: "Nothing listens.", fix: "Check the port." } as const];
    const summary = summarise(
      [camera("a", "live"), camera("b", "down", "connection_refused", down), camera("c", "connecting")],
      [{ level: "warning", text: "Workers are full.", fix: "Add one." }],
    );
    expect(summary).toEqual({
      level: "error",
      text: "1 of 3 cameras is down: b (connection refused).",
      fix: "Check the port.",
      more: 2,
    });
  });

  it("gathers cameras with the same trouble, and names a few of many", () => {
    const slow = [{ level: "warning", text: "every third frame is lost", fix: "Lower the fps." } as const];
    const cameras = ["a", "b", "c", "d", "e"].map((id) => camera(id, "live", "", slow));
    expect(summarise(cameras, [])).toEqual({
      level: "warning",
      text: "5 cameras (a, b, c and 2 more): every third frame is lost",
      fix: "Lower the fps.",
      more: 0,
    });
  });
});
