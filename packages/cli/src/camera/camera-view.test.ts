import { Camera, Decode, Recording, RecordingMode } from "@sightline/contracts";
import { expect, test } from "vitest";
import { cameraJson } from "./camera-view.ts";

test("a value that only a later version of the server knows is not shown as the default", () => {
  const later = {
    ...{ transport: 9, decode: 9, maskedVideo: 9 },
    recording: Recording.create({ mode: 9 as RecordingMode, audio: true }),
  };
  expect(cameraJson(Camera.create({ name: "cameras/door", ...later } as Partial<Camera>))).toMatchObject({
    ...{ name: "door", transport: "unknown", decode: "unknown", maskedVideo: "unknown" },
    recording: { mode: "unknown", audio: true },
  });
});

test("settings that are at their default, or known, are shown by name", () => {
  expect(cameraJson(Camera.create({ name: "cameras/door" }))).toMatchObject({
    ...{ transport: "auto", decode: "default", maskedVideo: "transcode", recording: { mode: "default" } },
  });
  const recording = Recording.create({ mode: RecordingMode.EVENTS });
  expect(cameraJson(Camera.create({ name: "cameras/door", decode: Decode.CUDA, recording }))).toMatchObject({
    ...{ decode: "cuda", recording: { mode: "events" } },
  });
});
