import { expect, test } from "vitest";
import { cameraStatusJson } from "./camera-json.ts";
import {
  cameraStatusFields,
  labelledStatus,
  measuredStatus,
  noMomentaryStatus,
  plainStatusDefaults,
  roundStatus,
} from "./camera-status.ts";
import { CameraReason, CameraState, CameraStatus } from "./gen/sightline/v1/camera.ts";
import { httpCameraStatusSchema } from "./http-cameras.ts";
import { toTimestamp } from "./proto-values.ts";

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
