import {
  Camera,
  type Decode,
  httpCameraSettingsSchema,
  MaskedVideo,
  pathOfSetting,
  RecordingMode,
  type ServedModel,
  Transport,
  type WorkerInfo,
} from "@sightline/contracts";
import { describe, expect, test } from "vitest";
import { recordingMaskPaths } from "./camera-recording.ts";
import { checkSettings, updatablePaths, updatedPaths } from "./camera-settings.ts";
import { ModelCatalog } from "./model-catalog.ts";

const served = new Map<string, ServedModel>(
  [{ name: "people", classes: ["person"] }].map((model) => [
    model.name,
    { ...model, architecture: "yolo_nas_s", width: 640, height: 640, longestSide: 636, padValue: 114 },
  ]),
);
const catalog = new ModelCatalog("standard", {
  get: (name) => served.get(name),
  keys: () => [...served.keys()],
});
const workers = [
  {
    secondStages: [
      {
        ...{ model: "colour", version: "0123456789ab", loaded: false },
        attributes: [{ name: "colour", values: ["red", "blue"] }],
      },
    ],
  },
] as unknown as WorkerInfo[];
const withStages = new ModelCatalog(
  "people",
  { get: (name) => served.get(name), keys: () => [...served.keys()] },
  () => workers,
);
const all = new Set(updatablePaths);
const check = (
  camera: Parameters<typeof Camera.fromPartial>[0],
  changed: ReadonlySet<never> | typeof all = all,
) => checkSettings(Camera.fromPartial(camera), changed, catalog);

describe("settings", () => {
  test("defaults", () => {
    expect(check({})).toEqual({
      transport: "auto",
      targetFps: 0,
      model: "standard",
      minScore: 0,
      classes: [],
    });
  });

  test("of a recording only what is not at its default is stored", () => {
    const recording = { mode: RecordingMode.EVENTS, maxAgeDays: 0, eventsMaxAgeDays: 0.5, audio: false };
    expect(check({ recording }).recording).toEqual({ mode: "events", eventsMaxAgeDays: 0.5 });
    expect(check({ recording: {} })).not.toHaveProperty("recording");
  });

  test("privacy masks are stored as polygons, and what becomes of the video only if it is not at its default", () => {
    const polygon = [
      { x: 0, y: 0 },
      { x: 0.5, y: 0 },
      { x: 0, y: 1 },
    ];
    const masks = [polygon.map(({ x, y }) => [x, y])];
    const [transcode, off] = [MaskedVideo.TRANSCODE, MaskedVideo.OFF];
    expect(check({ privacyMasks: [{ polygon }], maskedVideo: transcode }).privacy).toEqual({ masks });
    expect(check({ privacyMasks: [{ polygon }], maskedVideo: off }).privacy).toEqual({ masks, video: "off" });
    expect(check({ maskedVideo: transcode })).not.toHaveProperty("privacy");
    const outside = [...polygon.slice(1), { x: 1.5, y: 0 }];
    expect(() => check({ privacyMasks: [{ polygon }, { polygon: outside }] })).toThrow(
      /wrong in mask 2: .*0 to 1/,
    );
    const crossing = [...polygon, { x: 0.5, y: 1 }];
    expect(() => check({ privacyMasks: [{ polygon: crossing }] })).toThrow(/wrong in mask 1: .*meets/);
  });

  test("labels are stored if there are any", () => {
    expect(check({ labels: { site: "north", "rack.2": "A_1" } }).labels).toEqual({
      site: "north",
      "rack.2": "A_1",
    });
    expect(check({ labels: {} })).not.toHaveProperty("labels");
    const many = Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`key${at}`, "x"]));
    for (const [labels, fault] of [
      [{ Site: "north" }, /labels has the key 'Site'/],
      [{ site: "" }, /labels has the value '' of site/],
      [{ site: "a=b" }, /labels has the value 'a=b' of site/],
      [many, /labels has 17 entries; the most is 16/],
    ] as const)
      expect(() => check({ labels })).toThrow(fault);
  });

  test("repeated classes count once", () => {
    expect(check({ model: "people", classes: ["person", "person"] }).classes).toEqual(["person"]);
  });

  test.each([
    [{ targetFps: -1 }, "target_fps"],
    [{ targetFps: Number.NaN }, "target_fps"],
    [{ targetFps: 241 }, "target_fps"],
    [{ minScore: 1.01 }, "min_score"],
    [{ minScore: Number.NaN }, "min_score"],
    [{ transport: 9 as Transport }, "transport"],
    [{ decode: 9 as Decode }, "decode"],
    [{ videoTrack: 17 }, "video_track"],
    [{ maskedVideo: 9 as MaskedVideo }, "masked_video"],
    [{ privacyMasks: Array(17).fill({ polygon: [] }) }, "the most is 16"],
    [{ privacyMasks: [{ polygon: [{ x: 0, y: 0 }] }] }, "3 to 64 points"],
    [{ recording: { mode: 9 as RecordingMode } }, "recording.mode"],
    [{ recording: { maxAgeDays: -1 } }, "recording.max_age_days"],
    [{ recording: { eventsMaxAgeDays: Number.NaN } }, "recording.events_max_age_days"],
    [{ model: "../etc" }, "model name"],
    [{ classes: [""] }, "empty"],
    [{ classes: ["x".repeat(65)] }, "longer than 64"],
    [{ classes: Array.from({ length: 1001 }, (_, i) => `c${i}`) }, "1000"],
  ])("refuses %j", (camera, why) => {
    expect(() => check(camera)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(why) }),
    );
  });

  test("a model that nobody serves is refused, naming those that are served", () => {
    expect(() => check({ model: "cars" })).toThrow(
      expect.objectContaining({ code: "model_not_served", message: expect.stringContaining("people") }),
    );
  });

  test("a class is checked against its model, when that is served", () => {
    expect(() => check({ model: "people", classes: ["unicorn"] })).toThrow(
      expect.objectContaining({ code: "unknown_class", message: expect.stringContaining("person") }),
    );
    expect(check({ classes: ["unicorn"] }).classes).toEqual(["unicorn"]);
  });

  describe("second stages", () => {
    const stages = (...secondStages: { model: string; classes?: string[] }[]) =>
      checkSettings(Camera.fromPartial({ secondStages }), all, withStages).secondStages;

    test("are stored with the classes that they look at, if there are any", () => {
      expect(stages({ model: "colour", classes: ["person", "person"] })).toEqual([
        { model: "colour", classes: ["person"] },
      ]);
      expect(stages()).toBeUndefined();
    });

    test.each([
      [[{ model: "../etc" }], "invalid_argument", /not a model name/],
      [[{ model: "colour" }, { model: "colour" }], "invalid_argument", /names 'colour' twice/],
      [[{ model: "people" }], "invalid_argument", /'people', which is a detector/],
      [[{ model: "hats" }], "model_not_served", /'hats', which no worker has; they have: colour/],
      [[{ model: "colour", classes: ["dog"] }], "unknown_class", /'dog', which model 'people' does not know/],
      [Array.from({ length: 5 }, (_, i) => ({ model: `m${i}` })), "invalid_argument", /the most is 4/],
    ])("refuses %j", (given, code, message) => {
      expect(() => stages(...given)).toThrow(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      );
    });

    test("a classifier is no camera's own model, and its attributes are known to rules", () => {
      expect(() => checkSettings(Camera.fromPartial({ model: "colour" }), all, withStages)).toThrow(
        /'colour' is a classifier.*--then colour/,
      );
      expect(withStages.attributesOf([{ model: "colour" }])).toEqual(
        workers[0]!.secondStages![0]!.attributes,
      );
      expect(withStages.attributesOf([])).toEqual([]);
      expect(withStages.attributesOf([{ model: "colour" }, { model: "away" }])).toBeUndefined();
    });
  });

  test("what is not changed is not held against models that are away", () => {
    expect(check({ model: "cars", classes: ["car"] }, new Set()).model).toBe("cars");
  });
});

describe("field mask", () => {
  const camera = Camera.fromPartial({ targetFps: 5, transport: Transport.UDP });

  test("names what changes", () => {
    expect(updatedPaths(camera, ["target_fps", "classes"])).toEqual(new Set(["target_fps", "classes"]));
  });

  test("without one, what is not at its default changes", () => {
    expect(updatedPaths(camera, undefined)).toEqual(new Set(["target_fps", "transport"]));
    expect(updatedPaths(camera, [])).toEqual(new Set(["target_fps", "transport"]));
  });

  test("names a recording as a whole or in parts", () => {
    const parts = ["mode", "max_age_days", "events_max_age_days", "audio"].map((part) => `recording.${part}`);
    expect(updatedPaths(camera, ["recording"])).toEqual(new Set(parts));
    expect(updatedPaths(camera, ["recording.audio"])).toEqual(new Set(["recording.audio"]));
    expect(updatedPaths(Camera.fromPartial({ recording: { maxAgeDays: 7 } }), [])).toEqual(
      new Set(["recording.max_age_days"]),
    );
  });

  test("may name each setting that the JSON API has", () => {
    const settings = Object.keys(httpCameraSettingsSchema.shape).flatMap((name) =>
      name === "recording" ? recordingMaskPaths : pathOfSetting(name),
    );
    expect([...settings].sort()).toEqual([...updatablePaths].sort());
  });

  test("* is everything", () => {
    expect(updatedPaths(camera, ["*"])).toEqual(all);
  });

  test.each([[["name"]], [["targetFps"]], [["status.state"]]])("refuses %j", (mask) => {
    expect(() => updatedPaths(camera, mask)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining("target_fps") }),
    );
  });

  test("nothing to change is an error", () => {
    expect(() => updatedPaths(Camera.create(), undefined)).toThrow(/nothing to update/);
  });
});
