import { describe, expect, it } from "vitest";
import { checkForm, fieldMessage, fieldOfError, refusedFields } from "./check-form.ts";
import { changedSettings, emptyForm, mergeForms, secondStagesText, settingsOf } from "./form-values.ts";

const good = { ...emptyForm, id: "front", uri: " rtsp://10.0.0.5/live " };

describe("camera form", () => {
  it("accepts an id and an address, and leaves the rest to the defaults", () => {
    expect(checkForm(good)).toEqual({});
    expect(settingsOf(good)).toEqual({
      uri: "rtsp://10.0.0.5/live",
      recordUri: "",
      ...{ weight: 0, floorFps: 0, priority: 0 },
      transport: "auto",
      videoTrack: 0,
      decode: "default",
      targetFps: 0,
      model: "",
      minScore: 0,
      classes: [],
      labels: {},
      secondStages: [],
      privacyMasks: [],
      maskedVideo: "transcode",
      recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0, audio: false },
    });
  });

  it("takes what is recorded and for how long", () => {
    const camera = { ...good, recordMode: "continuous" as const, recordDays: "0,5", recordAudio: true };
    expect(checkForm(camera)).toEqual({});
    expect(changedSettings(good, camera)).toEqual({
      recording: { mode: "continuous", maxAgeDays: 0.5, eventsMaxAgeDays: 0, audio: true },
    });
    expect(Object.keys(checkForm({ ...good, recordEventsDays: "4000" }))).toEqual(["recordEventsDays"]);
    const message = "camera.recording.events_max_age_days is 4000; expected 0 to 3650";
    expect(refusedFields({ code: "invalid_argument", message })).toEqual({
      recordEventsDays: "The number of days for events is 4000; expected 0 to 3650.",
    });
  });

  it("takes another stream to be recorded, and sends that it is taken away", () => {
    const camera = { ...good, recordUri: " rtsp://10.0.0.5/main" };
    expect(checkForm(camera)).toEqual({});
    expect(changedSettings(good, camera)).toEqual({ recordUri: "rtsp://10.0.0.5/main" });
    expect(changedSettings(camera, good)).toEqual({ recordUri: "" });
    expect(Object.keys(checkForm({ ...good, recordUri: "ftp://x" }))).toEqual(["recordUri"]);
    const message = "camera.record_uri has no valid host name or address";
    expect(refusedFields({ code: "invalid_argument", message })).toEqual({
      recordUri: "The address to record from has no valid host name or address.",
    });
  });

  it("takes what a camera gets under overload, with a floor no higher than what is analysed", () => {
    const camera = { ...good, targetFps: "10", floorFps: "5", weight: "0,5", priority: "-1" };
    expect(checkForm(camera)).toEqual({});
    expect(changedSettings({ ...good, targetFps: "10" }, camera)).toEqual({
      ...{ floorFps: 5, weight: 0.5, priority: -1 },
    });
    expect(changedSettings(camera, { ...camera, floorFps: "", weight: "" })).toEqual({
      floorFps: 0,
      weight: 0,
    });
    expect(Object.keys(checkForm({ ...camera, floorFps: "11" }))).toEqual(["floorFps"]);
    const wrong = { ...good, floorFps: "x", weight: "11", priority: "1.5" };
    expect(Object.keys(checkForm(wrong)).sort()).toEqual(["floorFps", "priority", "weight"]);
    const message = "camera.floor_fps 9 cannot be promised: the workers run 20.0 frames/s";
    expect(refusedFields({ code: "floor_not_promised", message })).toEqual({
      floorFps: "The floor 9 cannot be promised: the workers run 20.0 frames/s.",
    });
  });

  it("takes labels as name=value, each name once", () => {
    const camera = { ...good, labels: "site=north, floor=2 " };
    expect(checkForm(camera)).toEqual({});
    expect(changedSettings(good, camera)).toEqual({ labels: { site: "north", floor: "2" } });
    for (const labels of ["north", "site=", "site=a site=b", "Site=north", "a=b=c"])
      expect(Object.keys(checkForm({ ...good, labels }))).toEqual(["labels"]);
    const message = "camera.labels has the key 'Site'; expected small letters";
    expect(Object.keys(refusedFields({ code: "invalid_argument", message }))).toEqual(["labels"]);
  });

  it("takes second stages with the classes that they look at", () => {
    const camera = { ...good, secondStages: "clothing-colour: person, rider; helmet" };
    expect(checkForm(camera)).toEqual({});
    const stages = [
      { model: "clothing-colour", classes: ["person", "rider"] },
      { model: "helmet", classes: [] },
    ];
    expect(changedSettings(good, camera)).toEqual({ secondStages: stages });
    expect(secondStagesText(stages)).toBe(camera.secondStages);
    for (const secondStages of ["colour:", ":person", "a:b:c", "a: b,,c"])
      expect(Object.keys(checkForm({ ...good, secondStages }))).toEqual(["secondStages"]);
    const message = "camera.second_stages names 'hats', which no worker has; they have: clothing-colour";
    expect(refusedFields({ code: "invalid_argument", message })).toEqual({
      secondStages:
        "The list of second stages names 'hats', which no worker has; they have: clothing-colour.",
    });
  });

  it("says at each field what is wrong", () => {
    const errors = checkForm({
      ...good,
      id: "Front door",
      uri: "ftp://x",
      minScore: "1.5",
      targetFps: "-1",
    });
    expect(Object.keys(errors)).toEqual(["id", "uri", "minScore", "targetFps"]);
    expect(checkForm({ ...good, minScore: "x" })).toHaveProperty("minScore");
    expect(checkForm({ ...good, minScore: "0,4" })).toEqual({});
  });

  it("sends only what was changed, also back to the default", () => {
    const before = { ...good, minScore: "0.4", classes: ["person"] };
    expect(changedSettings(before, { ...before, minScore: "", classes: ["person", "car"] })).toEqual({
      minScore: 0,
      classes: ["person", "car"],
    });
    expect(changedSettings(before, before)).toEqual({});
  });

  it("takes a transport and a video track, and sends what was changed of them", () => {
    const camera = { ...good, transport: "udp" as const, videoTrack: "2" };
    expect(checkForm(camera)).toEqual({});
    expect(settingsOf(camera)).toMatchObject({ transport: "udp", videoTrack: 2 });
    expect(changedSettings(camera, { ...camera, transport: "tcp", videoTrack: "" })).toEqual({
      transport: "tcp",
      videoTrack: 0,
    });
    for (const videoTrack of ["1.5", "17", "-1", "x"])
      expect(Object.keys(checkForm({ ...good, videoTrack }))).toEqual(["videoTrack"]);
  });

  it("reads privacy masks in per cent, a line each, and shows them again", () => {
    const written = { ...good, privacyMasks: "0,0 50,0 50,100\n\n 10,20; 30,20; 30.5,40 " };
    const { privacyMasks } = settingsOf(written);
    expect(privacyMasks).toEqual([
      [
        [0, 0],
        [0.5, 0],
        [0.5, 1],
      ],
      [
        [0.1, 0.2],
        [0.3, 0.2],
        [0.305, 0.4],
      ],
    ]);
    expect(checkForm(written)).toEqual({});
    for (const wrong of ["0,0 50,0", "0,0 50,0 101,0", "0,0 50,0 a,b", "0 0 50 0 50 50"])
      expect(Object.keys(checkForm({ ...good, privacyMasks: wrong }))).toEqual(["privacyMasks"]);
  });

  it("keeps what I changed when someone else has changed something too", () => {
    const mine = { ...good, targetFps: "3", classes: ["person"] };
    const theirs = { ...good, targetFps: "9", minScore: "0.4", transport: "udp" as const };
    expect(mergeForms(good, mine, theirs)).toEqual({ ...theirs, targetFps: "3", classes: ["person"] });
    expect(mergeForms(good, good, theirs)).toEqual(theirs);
  });

  it("calls fields as the form does", () => {
    expect(fieldMessage("uri", "camera.uri holds a space; write it as %20")).toBe(
      "The address holds a space; write it as %20.",
    );
    expect(fieldMessage("targetFps", "camera.target_fps is -1; expected 0")).toBe(
      "The number of frames per second is -1; expected 0.",
    );
    expect(fieldMessage("uri", "body.uri: too long")).toBe("The address: too long.");
    expect(fieldMessage("id", "camera 'a' is already registered")).toBe("Camera 'a' is already registered.");
  });

  it("tells each field of what a refusal says of it", () => {
    const message = "camera.uri is empty\ncamera.target_fps is 999; expected 0 to 240";
    expect(refusedFields({ code: "invalid_argument", message })).toEqual({
      uri: "The address is empty.",
      targetFps: "The number of frames per second is 999; expected 0 to 240.",
    });
  });

  it("finds the field of a refusal by its code or the path it begins with", () => {
    expect(fieldOfError({ code: "camera_exists", message: "taken" })).toBe("id");
    expect(fieldOfError({ code: "invalid_argument", message: "camera.target_fps is -1; expected 0" })).toBe(
      "targetFps",
    );
    expect(fieldOfError({ code: "invalid_argument", message: "body.uri: too long" })).toBe("uri");
    expect(fieldOfError({ code: "invalid_argument", message: "nothing to update" })).toBeUndefined();
    expect(fieldOfError({ code: "internal", message: "model broke" })).toBeUndefined();
  });
});
