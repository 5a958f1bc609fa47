import { expect, test } from "vitest";
import { cameraStatusJson, recordingStatusJson } from "./camera-json.ts";
import {
  cameraStatusFields,
  labelledStatus,
  measuredStatus,
  noMomentaryStatus,
  plainStatusDefaults,
  roundStatus,
} from "./camera-status.ts";
import {
  CameraReason,
  CameraState,
  CameraStatus,
  RecordingMode,
  RecordingStatus,
} from "./gen/sightline/v1/camera.ts";
import { httpCameraStatusSchema, httpRecordingStatusSchema } from "./http-cameras.ts";
import { enumName, toTimestamp } from "./proto-values.ts";

const own = {
  state: "live",
  reason: "",
  recording: null,
  ledger: { captured: 9, inferred: 7, dropped: {}, inFlight: 2 },
};

const status = CameraStatus.fromPartial({
  state: CameraState.LIVE,
  reason: CameraReason.UNSPECIFIED,
  lastFrameTime: toTimestamp(Date.parse("2026-01-02T03:04:05.678Z")),
  ...{ codec: "h264", captureFps: 9.8765432109, reconnects: 3, ingest: "ingest-1" },
  ...{ failedAttempts: 4, unanalysedSeconds: 5 },
});

test("a status in JSON has the fields in the table's order, without those that only services see", () => {
  const json = cameraStatusJson(status, own);
  const shown = Object.entries(cameraStatusFields).filter(([, field]) => !("internal" in field));
  expect(Object.keys(json)).toEqual(shown.map(([name]) => name));
  expect(json).toEqual({
    ...plainStatusDefaults,
    ...own,
    lastFrameTime: "2026-01-02T03:04:05.678Z",
    ...{ codec: "h264", captureFps: 9.8765432109, reconnects: 3, ingest: "ingest-1" },
  });
  expect(httpCameraStatusSchema.parse(json)).toEqual(json);
});

test("a form of JSON chooses how it writes numbers with a fraction, and no others", () => {
  const { captureFps, reconnects } = cameraStatusJson(status, own, (value) => value + 100);
  expect([captureFps, reconnects]).toEqual([109.8765432109, 3]);
});

test("a camera that no ingest holds has the defaults of protobuf", () => {
  expect(cameraStatusJson(CameraStatus.create(), own)).toEqual({ ...plainStatusDefaults, ...own });
});

test("what is recorded has the form's names, and its stream no number that only services see", () => {
  const recording = RecordingStatus.fromPartial({
    ...{ mode: RecordingMode.EVENTS, active: true, bytes: 5 },
    stream: { state: CameraState.DOWN, reason: CameraReason.UNREACHABLE, width: 1920, failedAttempts: 4 },
  });
  const json = recordingStatusJson(recording, {
    mode: (mode) => enumName(RecordingMode, mode),
    state: (state) => enumName(CameraState, state),
    reason: (reason) => enumName(CameraReason, reason),
  });
  expect(json).toEqual({
    ...{ mode: "events", active: true, message: "", soundMessage: "", bytes: 5, oldestTime: null },
    stream: {
      ...{ state: "down", reason: "unreachable", message: "", codec: "" },
      ...{ width: 1920, height: 0, captureFps: 0, reconnects: 0 },
    },
  });
  expect(httpRecordingStatusSchema.parse(json)).toEqual(json);
});

test("numbers are rounded as the table says, and stay what they are otherwise", () => {
  expect(roundStatus(status)).toEqual({ ...status, captureFps: 9.88 });
});

test("when a camera's ingest is gone its rates are 0", () => {
  expect(noMomentaryStatus).toEqual({ captureFps: 0, inferenceFps: 0 });
});

test("each label and each metric is there once", () => {
  const labels = labelledStatus.map(([, { label }]) => label);
  expect(new Set(labels).size).toBe(labels.length);
  const metrics = measuredStatus.map(([, { name }]) => name);
  expect(new Set(metrics).size).toBe(metrics.length);
  for (const name of metrics) expect(name).toMatch(/^sightline_[a-z_]+$/);
});
