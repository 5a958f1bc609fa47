import { expect, test } from "vitest";
import { cameraOfSettings, cameraPathsOf, cameraSettingsJson } from "./camera-json.ts";
import { httpCameraSettingsSchema } from "./http-cameras.ts";

const settings = {
  uri: "rtsp://10.0.0.5/sub",
  recordUri: "rtsp://10.0.0.5/main",
  transport: "udp" as const,
  videoTrack: 2,
  decode: "vaapi" as const,
  recording: { mode: "events" as const, maxAgeDays: 7, eventsMaxAgeDays: 30, audio: true },
  privacyMasks: [[[0, 0], [0.5, 0], [0, 0.5]]] as [number, number][][], // biome-ignore format: a polygon
  maskedVideo: "off" as const,
  targetFps: 5,
  model: "street",
  minScore: 0.4,
  classes: ["person"],
  labels: { site: "north" },
  weight: 2,
  floorFps: 1,
  priority: -3,
  secondStages: [{ model: "colour", classes: ["car"] }],
};

test("settings are the same after a way through protobuf, each of them", () => {
  expect(Object.keys(settings).sort()).toEqual(Object.keys(httpCameraSettingsSchema.shape).sort());
  expect(cameraSettingsJson(cameraOfSettings(settings))).toEqual({
    ...settings,
    ...{ hasCredentials: false, hasRecordCredentials: false },
  });
});

test("what is at its default is said by name", () => {
  expect(cameraSettingsJson(cameraOfSettings({}))).toMatchObject({
    ...{ transport: "auto", decode: "default", maskedVideo: "transcode" },
    recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0, audio: false },
  });
});

test("an update mask names what is there, and of a recording its parts", () => {
  expect(cameraPathsOf({ targetFps: 0, model: undefined, recording: { maxAgeDays: 1 } })).toEqual([
    "target_fps",
    "recording.max_age_days",
  ]);
});
