import { expect, test } from "vitest";
import { cameraOfSettings, cameraPathsOf, cameraSettingsJson, plainFault } from "./camera-json.ts";
import {
  cameraRecordSchema,
  cameraShareSchema,
  plainOfStored,
  recordOfPlain,
  shareOfPlain,
} from "./camera-record.ts";
import {
  eachPlain,
  isWithin,
  type PlainSettings,
  plainDefaults,
  plainSettings,
  rangeText,
} from "./camera-settings.ts";
import { Camera } from "./gen/sightline/v1/camera.ts";
import { httpCameraSettingsSchema } from "./http-cameras.ts";

/** Each number and choice at something else than its default. */
const chosen = eachPlain((_, setting) =>
  setting.kind === "choice" ? Object.keys(setting.choices).at(-1)! : setting.most,
) as PlainSettings;

const settings = {
  ...chosen,
  uri: "rtsp://10.0.0.5/sub",
  recordUri: "rtsp://10.0.0.5/main",
  recording: { mode: "events" as const, maxAgeDays: 7, eventsMaxAgeDays: 30, audio: true },
  privacyMasks: [[[0, 0], [0.5, 0], [0, 0.5]]] as [number, number][][], // biome-ignore format: a polygon
  model: "street",
  classes: ["person"],
  labels: { site: "north" },
  secondStages: [{ model: "colour", classes: ["car"] }],
};

test("settings are the same after a way through protobuf, each of them", () => {
  expect(Object.keys(settings).sort()).toEqual(Object.keys(httpCameraSettingsSchema.shape).sort());
  expect(cameraSettingsJson(cameraOfSettings(settings))).toEqual({
    ...settings,
    ...{ hasCredentials: false, hasRecordCredentials: false },
  });
});

test("a number comes back as it was given, with all its digits", () => {
  const given = { minScore: 0.12345678, targetFps: 100.0078125, weight: 0.123046875, floorFps: 29.97002997 };
  const sent = (settings: Partial<PlainSettings>) =>
    Camera.decode(Camera.encode(cameraOfSettings(settings)).finish());
  expect(cameraSettingsJson(sent(given))).toMatchObject(given);
  for (const minScore of [0.1, 0.25, 0.4, 0.35, 0.000244, 0.999999, 0.111830324, 1])
    expect(cameraSettingsJson(sent({ minScore }))).toMatchObject({ minScore });
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

test("a number or choice is read as it was stored, and what is at its default is not stored where it need not be", () => {
  const rest = {
    ...{ uri: "rtsp://cam/x", model: "street", classes: [], hasCredentials: false },
    ...{ createTime: "2026-03-01T10:00:00.000Z", updateTime: "2026-03-01T10:00:00.000Z" },
  };
  const stored = (plain: PlainSettings) => ({ ...rest, ...recordOfPlain(plain) });
  // What becomes of the video is stored with the masks.
  const { maskedVideo } = plainDefaults;
  const [record, share] = [stored(chosen), shareOfPlain(chosen) ?? undefined];
  expect(plainOfStored(cameraRecordSchema.parse(record), cameraShareSchema.parse(share))).toEqual({
    ...chosen,
    maskedVideo,
  });
  expect(plainOfStored(cameraRecordSchema.parse(stored(plainDefaults)))).toEqual(plainDefaults);
  expect(shareOfPlain(plainDefaults)).toBeNull();
  expect(recordOfPlain(plainDefaults)).toEqual({ transport: "auto", targetFps: 0, minScore: 0 });
});

const numbers = plainSettings.flatMap(([name, setting]) =>
  setting.kind === "choice" ? [] : [{ name, ...setting }],
);

test.each(numbers)(
  "$name is at least $least and at most $most, or 0, and a message says so",
  ({ name, ...setting }) => {
    for (const value of [0, setting.least, setting.most]) expect(isWithin(setting, value)).toBe(true);
    for (const value of [setting.most + 1, Math.min(setting.least, 0) - 1, Number.NaN]) {
      expect(isWithin(setting, value)).toBe(false);
      expect(plainFault(cameraOfSettings({ [name]: value }), name)).toContain(
        `is ${value}; expected ${rangeText(setting)}`,
      );
    }
  },
);
