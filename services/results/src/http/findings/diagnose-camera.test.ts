import {
  CameraReason,
  CameraState,
  CameraStatus,
  DropReason,
  dropReasonLabel,
  dropReasons,
  enumName,
  type HttpCamera,
  plainDefaults,
  plainStatusDefaults,
  type WorkerInfo,
} from "@sightline/contracts";
import { describeReason } from "@sightline/rtsp";
import { describe, expect, test } from "vitest";
import { RecentLosses } from "../../feeds/recent-losses.ts";
import { figuresOf, type SeriesSample } from "../series/camera-series.ts";
import { reasonAdvice } from "./advice.ts";
import { diagnoseCamera } from "./diagnose-camera.ts";

type Status = HttpCamera["status"];

function camera(status: Partial<Status>, settings: Partial<HttpCamera> = {}): HttpCamera {
  return {
    id: "front",
    uri: "rtsp://cam/x",
    recordUri: "",
    ...plainDefaults,
    recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0, audio: false },
    privacyMasks: [],
    model: "people",
    classes: [],
    labels: {},
    secondStages: [],
    hasCredentials: false,
    hasRecordCredentials: false,
    createTime: "",
    updateTime: "",
    etag: "1",
    figures: null,
    findings: [],
    ...settings,
    status: {
      ...plainStatusDefaults,
      state: "live",
      reason: "",
      captureFps: 10,
      inferenceFps: 10,
      recording: null,
      ledger: { captured: 0, inferred: 0, dropped: {}, inFlight: 0 },
      ...status,
    },
  };
}

function second(sample: Partial<SeriesSample> = {}): SeriesSample {
  return {
    timeMs: 0,
    captured: 100,
    inferred: 100,
    dropped: {},
    latencyMs: { p50: 40, p95: 50, p99: 60 },
    stagesMs: { decode: 5, queue: 5, batch: 0, infer: 28, post: 1, track: 1, deliver: 0 },
    tracks: 0,
    offsetMs: 1,
    ...sample,
  };
}

function worker(utilization: number, model = "people"): WorkerInfo {
  return {
    id: "w1",
    host: "h",
    model,
    modelDigest: "",
    precision: "int8",
    executionProvider: "cpu",
    batchSize: 1,
    batchCurve: [],
    startTime: "2026-01-01T00:00:00Z",
    utilization,
    framesPerSecond: 10,
    meanBatchSize: 1,
  };
}

const noWorkers = { workers: [] };

test("a stream to be recorded that cannot be had is told of, and the camera is live all the same", () => {
  const stream = {
    state: "down" as const,
    ...{ reason: "unauthorized", message: "the camera refuses the password", codec: "" },
    ...{ width: 0, height: 0, captureFps: 0, reconnects: 0 },
  };
  const recording = {
    mode: "events",
    active: false,
    message: "",
    soundMessage: "",
    bytes: 0,
    oldestTime: null,
    stream,
  } as const;
  const [finding] = diagnoseCamera(camera({ recording }), [second()], { workers: [worker(0.1)] });
  expect(finding).toMatchObject({
    level: "warning",
    text: expect.stringContaining("the camera refuses the password."),
    fix: expect.stringContaining("The analysis goes on"),
  });
});

test("frames that were gone before they were analysed are told of, with what to do", () => {
  const lost = (frames: number) => {
    const losses = new RecentLosses();
    losses.add("cameras/front", frames);
    return diagnoseCamera(camera({}), [second()], { ...noWorkers, loss: losses.find("front") })[0]!;
  };
  expect(lost(120)).toMatchObject({
    level: "warning",
    text: expect.stringContaining("120 frames at most were lately gone before they could be analysed"),
    fix: expect.stringContaining("SIGHTLINE_DETECTIONS_MAX_BYTES"),
  });
  expect(lost(0).text).toContain("Some frames were");
});

test("what was lost of a camera adds up, and is shown for a while", () => {
  let now = 0;
  const losses = new RecentLosses(() => now);
  losses.add("cameras/front", 3);
  now = 10 * 60_000;
  losses.add("cameras/front", 4);
  losses.add("cameras/back", 9);
  losses.forget("back");
  now = 24 * 60_000;
  expect(losses.find("front")).toEqual({ frames: 7 });
  expect(losses.find("back")).toBeUndefined();
  now = 25 * 60_000;
  expect(losses.find("front")).toBeUndefined();
});

test("classes that the model does not know are told of, and are worst when there are no others", () => {
  const of = (classes: string[], modelClasses: string[] | undefined) =>
    diagnoseCamera(camera({}, { classes }), [second()], { ...noWorkers, modelClasses })[0]!;
  expect(of(["dog"], ["person"])).toMatchObject({
    level: "error",
    text: "The model 'people' does not know what the camera's settings ask for (dog), so nothing is detected.",
  });
  expect(of(["person", "dog"], ["person"])).toMatchObject({ level: "warning" });
  expect([of(["person"], ["person"]), of(["dog"], undefined)]).toMatchObject([
    { level: "ok" },
    { level: "ok" },
  ]);
});

test("a camera at which nothing is the matter is said to be well", () => {
  const figures = figuresOf([second({ inferred: 9 })], { p50: 40, p95: 50, p99: 60 });
  expect(diagnoseCamera(camera({}, { figures }), [second()], noWorkers)).toEqual([
    {
      level: "ok",
      text: "All is well: 9 frames per second are analysed, 40 ms after they were captured.",
      fix: "",
    },
  ]);
});

describe("a camera without frames", () => {
  const reasons = Object.entries(CameraReason).filter(([, reason]) => reason !== CameraReason.UNSPECIFIED);

  test.each(reasons)("%s has a text, a fix, and ingest's own words", (_name, reason) => {
    const status = {
      state: "down",
      reason: enumName(CameraReason, reason),
      message: "port 554 is closed",
    } as const;
    const [finding, ...others] = diagnoseCamera(camera(status), [], noWorkers);
    const advice = reasonAdvice[reason as keyof typeof reasonAdvice];
    expect(others).toEqual([]);
    expect(finding).toEqual({
      level: "error",
      text: `${advice.text} Ingest reports: Port 554 is closed.`,
      fix: advice.fix,
    });
  });

  test("what ingest says of a reason is not told a second time, its details are", () => {
    const textOf = (detail?: string) => {
      const { reason, message } = describeReason(CameraReason.CONNECTION_REFUSED, detail);
      const status = { state: "down", reason: enumName(CameraReason, reason), message } as const;
      return diagnoseCamera(camera(status), [], noWorkers)[0]?.text;
    };
    const { text } = reasonAdvice[CameraReason.CONNECTION_REFUSED];
    expect(textOf()).toBe(text);
    expect(textOf("port 554 (tcp)")).toBe(`${text} Ingest reports: Port 554 (tcp).`);
  });

  test("without a reason, or one that is not known yet, there is still something to do", () => {
    for (const reason of ["", "eaten_by_a_bear"]) {
      const [finding] = diagnoseCamera(camera({ state: "down", reason }), [], noWorkers);
      expect(finding).toMatchObject({ level: "error", fix: expect.stringContaining("probe") });
    }
  });

  test("waiting for ingest, and for the first frame", () => {
    expect(
      diagnoseCamera(camera({ state: "pending", message: "its ingest has stopped" }), [], noWorkers),
    ).toMatchObject([
      { level: "warning", text: "Its ingest has stopped.", fix: expect.stringContaining("ingest") },
    ]);
    expect(diagnoseCamera(camera({ state: "connecting" }), [], noWorkers)).toMatchObject([
      { level: "warning", text: expect.stringContaining("first frame") },
    ]);
  });

  test("live, but no worker serves its model", () => {
    const status = { reason: "model_not_served" };
    const [finding] = diagnoseCamera(camera(status), [second()], noWorkers);
    expect(finding).toMatchObject({ level: "error", text: expect.stringContaining("'people'") });
  });
});

describe("dropped frames", () => {
  const share = (label: string, dropped: number) => [second({ dropped: { [label]: dropped } })];

  test.each(dropReasons.map((reason) => [dropReasonLabel(reason), reason] as const))(
    "%s is told when there are many, with a fix",
    (label, reason) => {
      const findings = diagnoseCamera(camera({}), share(label, 20), noWorkers);
      const finding = findings.find(({ text }) => text.startsWith("20% of the frames"));
      expect(finding?.fix).not.toBe("");
      expect(finding?.level === "ok").toBe(reason === DropReason.SAMPLED_OUT);
    },
  );

  test("a few that had to make room for newer ones are not worth a word; one worker error is", () => {
    expect(diagnoseCamera(camera({}), share("superseded", 4), noWorkers)).toMatchObject([{ level: "ok" }]);
    expect(diagnoseCamera(camera({}), share("worker_error", 1), noWorkers)).toMatchObject([
      { level: "error", text: expect.stringMatching(/^1% of the frames/) },
    ]);
  });

  test("frames that are left out on purpose do not hide those that were to be analysed", () => {
    const samples = [second({ dropped: { sampled_out: 80, superseded: 4 } })];
    expect(diagnoseCamera(camera({}), samples, noWorkers)).toMatchObject([
      { level: "warning", text: expect.stringMatching(/^20% of the frames/) },
      { level: "ok", text: expect.stringMatching(/^80% of the frames/) },
    ]);
  });

  test("workers without room are named, and so is that they have room", () => {
    const of = (...workers: WorkerInfo[]) =>
      diagnoseCamera(camera({}), share("superseded", 30), { workers })[0]?.text;
    expect(of(worker(0.97), worker(0.1, "cars"))).toContain(
      "The only worker of model 'people' is at least 97% busy",
    );
    expect(of(worker(0.97), worker(0.92))).toContain("All 2 workers of model 'people' are at least 92% busy");
    expect(of(worker(0.97), worker(0.4))).toContain("Its workers have room");
    expect(of(worker(0.97, "cars"))).not.toMatch(/busy|room/);
  });
});

test("a model that no worker could load is named with the reason, unless another serves it", () => {
  const why = "it needs about 90 MiB";
  const cannot = { ...worker(0.2, "cars"), unserved: [{ model: "people", why }] };
  const of = (...workers: WorkerInfo[]) =>
    diagnoseCamera(camera({ reason: "model_not_served" }), [second()], { workers });
  expect(of(cannot)[0]).toMatchObject({
    level: "error",
    text: "The model 'people' is not loaded, so nothing is analysed: it needs about 90 MiB.",
    fix: expect.stringContaining("SIGHTLINE_MODEL_MEMORY_MB"),
  });
  expect(of(cannot).filter(({ level }) => level === "error")).toHaveLength(1);
  expect(of(cannot, worker(0.2)).some(({ text }) => text.includes(why))).toBe(false);
});

test("a second stage that no worker has, or one cannot load, is named with the reason", () => {
  const stage = { model: "colour", version: "0123456789ab", attributes: [], loaded: true };
  const of = (...secondStages: NonNullable<WorkerInfo["secondStages"]>) =>
    diagnoseCamera(camera({}, { secondStages: [{ model: "colour", classes: [] }] }), [second()], {
      workers: [{ ...worker(0.2), secondStages }],
    })[0];
  expect(of(stage)).toMatchObject({ level: "ok" });
  expect(of()).toMatchObject({ level: "warning", text: expect.stringContaining("'colour'") });
  expect(of({ ...stage, loaded: false, fault: "it is broken" })).toMatchObject({
    text: "The second stage 'colour' does not look at this camera's objects: it is broken.",
  });
});

test("a camera that sends fewer frames than it is asked for", () => {
  const slow = diagnoseCamera(camera({ captureFps: 6.04 }, { targetFps: 10 }), [second()], noWorkers);
  expect(slow).toMatchObject([
    { level: "warning", text: expect.stringContaining("sends 6 frames per second") },
  ]);
  expect(diagnoseCamera(camera({ captureFps: 9 }, { targetFps: 10 }), [second()], noWorkers)).toMatchObject([
    { level: "ok" },
  ]);
});

describe("latency", () => {
  const fast = { decode: 5, queue: 5, batch: 0, infer: 28, post: 1, track: 1, deliver: 0 };

  const taking = (p50: number) =>
    camera({}, { figures: figuresOf([second()], { p50, p95: p50 + 100, p99: p50 + 200 }) });

  test.each(Object.keys(fast))("%s is named when it takes most of a long time", (stage) => {
    const samples = [second({ stagesMs: { ...fast, [stage]: 700 } })];
    const findings = diagnoseCamera(taking(710), samples, noWorkers);
    expect(findings).toMatchObject([
      {
        level: "warning",
        text: expect.stringMatching(/^A frame takes 710 ms .*\(p95 810 ms\); 9\d% of that is/),
      },
    ]);
    expect(findings[0]?.fix).not.toBe("");
  });

  test("a stage that takes most of a short time is nobody's trouble", () => {
    expect(
      diagnoseCamera(taking(240), [second({ stagesMs: { ...fast, infer: 200 } })], noWorkers),
    ).toMatchObject([{ level: "ok" }]);
  });

  test("one slow frame does not make a camera slow: what is told is what the page shows", () => {
    const hiccup = [second(), second({ stagesMs: { ...fast, queue: 9_000 } })];
    expect(diagnoseCamera(taking(110), hiccup, noWorkers)).toMatchObject([{ level: "ok" }]);
  });

  test("clocks that differ are named, and not taken for a slow delivery", () => {
    const seconds = (samples: Partial<SeriesSample>[]) =>
      diagnoseCamera(taking(40), samples.map(second), noWorkers);
    const ahead = [{ offsetMs: -80 }, { offsetMs: -95 }, { offsetMs: -82 }];
    expect(seconds(ahead)).toMatchObject([
      { level: "warning", text: expect.stringContaining("80 ms ahead of") },
    ]);
    const behind = [5_000, 5_100, 5_020].map((offsetMs) => ({ offsetMs }));
    expect(seconds(behind)).toMatchObject([
      { level: "warning", text: expect.stringContaining("5000 ms behind") },
    ]);
    for (const hiccup of [{ offsetMs: 2_000 }, { offsetMs: -90 }])
      expect(seconds([hiccup, { offsetMs: 3 }, hiccup])).toMatchObject([{ level: "ok" }]);
  });
});

test("the worst comes first", () => {
  const samples = [second({ dropped: { sampled_out: 40, superseded: 30, worker_error: 3 } })];
  const levels = diagnoseCamera(camera({}), samples, noWorkers).map(({ level }) => level);
  expect(levels).toEqual(["error", "warning", "ok"]);
});

test("a live camera whose frames are not analysed is not well, unless it is known why", () => {
  const situation = (status: Partial<CameraStatus>) => ({
    workers: [],
    status: CameraStatus.fromPartial({ state: CameraState.LIVE, unanalysedSeconds: 42, ...status }),
  });
  const texts = (status: Partial<CameraStatus>) =>
    diagnoseCamera(camera({ inferenceFps: 0 }), [], situation(status)).map(({ text }) => text);
  expect(texts({})).toEqual(["Frames arrive, but none has been analysed for 42 s."]);
  for (const known of [
    { reason: CameraReason.MODEL_NOT_SERVED },
    { state: CameraState.DOWN },
    { unanalysedSeconds: 3 },
  ])
    expect(texts(known)).toEqual(["All is well: 0 frames per second are analysed."]);
});

test("inferred frames that do not come out of the analysis are told, with the reason where it is known", () => {
  const silent = Array.from({ length: 10 }, () => second({ latencyMs: null }));
  const texts = (stall?: string) =>
    diagnoseCamera(camera({}), silent, { workers: [worker(0.1)], stall }).map(({ level, text }) => [
      level,
      text,
    ]);
  expect(texts()).toContainEqual([
    "error",
    "Frames are inferred, but none has come out of the analysis for 10 s: there are no tracks and no events.",
  ]);
  expect(texts("wrong last sequence: 0")).toContainEqual([
    "error",
    "The analysis makes no progress: Wrong last sequence: 0. Frames give no tracks and no events.",
  ]);
});

test("a floor that is not held any more is told of, with what to do", () => {
  const held = { ...camera({ promisedFps: 5 }), floorFps: 5 };
  expect(diagnoseCamera(held, [second()], noWorkers)).toMatchObject([{ level: "ok" }]);
  const cut = { ...camera({ promisedFps: 1.5 }), floorFps: 5 };
  expect(diagnoseCamera(cut, [second()], noWorkers)).toMatchObject([
    {
      level: "warning",
      text: expect.stringContaining("Of its floor of 5 frames/s 1.5 can be held"),
      fix: expect.stringContaining("priority"),
    },
  ]);
});
