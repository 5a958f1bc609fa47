import { TestPictures } from "@sightline/analysis-service/testing";
import {
  CameraState,
  CameraStatus,
  DropReason,
  type HttpCamera,
  type HttpRules,
  type HttpSeries,
} from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../../testing/api-document.ts";
import { RunningResults } from "../../testing/running-results.ts";
import { sampleFrame } from "../../testing/sample-frames.ts";

let results: RunningResults;
let pictures: TestPictures;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  pictures = await TestPictures.start(results.nats);
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(async () => {
  pictures.stop();
  await results.stop();
});

const jpegBegin = new Uint8Array([0xff, 0xd8]);
const front = { params: { camera: "front" } };

test("rules: read, replaced under their etag, refused with every fault", async () => {
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  const path = "/cameras/{camera}/rules";
  const none = { zones: [], lines: [], masks: [], rules: [], etag: "0" };
  expect((await api.call("get", path, front)).body).toEqual(none);
  const rules = {
    ...none,
    zones: [
      {
        name: "door",
        polygon: [
          [0, 0],
          [0.5, 0],
          [0.5, 0.5],
        ],
      },
    ],
    rules: [{ type: "entered_zone", zone: "door", classes: ["person"], min_score: 0.3 }],
  };
  const put = await api.call("put", path, { ...front, body: rules });
  expect(put).toMatchObject({
    status: 200,
    body: { zones: rules.zones, rules: [{ name: "entered_zone-door", ...rules.rules[0] }] },
  });
  expect((await api.call("get", path, front)).body).toEqual(put.body);
  expect(await api.call("put", path, { ...front, body: rules })).toMatchObject({
    status: 412,
    body: { code: "etag_mismatch" },
  });
  const headers = { "if-match": `"${(put.body as HttpRules).etag}"` };
  expect(await api.call("put", path, { ...front, body: rules, headers })).toMatchObject({ status: 200 });
  const faulty = {
    zones: [
      {
        name: "door",
        polygon: [
          [0, 0],
          [2, 0],
        ],
      },
    ],
    rules: [{ type: "entered_zone", zone: "gate" }, { type: "flew" }],
  };
  const refused = await api.call("put", path, { ...front, body: faulty });
  expect(refused).toMatchObject({ status: 400, body: { code: "rules_invalid" } });
  // Of value and of form.
  expect((refused.body as { message: string }).message.split("\n")).toEqual([
    expect.stringMatching(/^zones\[0\]/),
    expect.stringMatching(/^rules\[0\].*gate/),
    expect.stringMatching(/^rules\[1\]\.type: must be one of/),
  ]);
  expect(await api.call("get", path, { params: { camera: "nobody" } })).toMatchObject({ status: 404 });
  await api.call("delete", "/cameras/{camera}", front);
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  expect((await api.call("get", path, front)).body).toEqual(none);
  await expect.poll(async () => (await results.buckets.cameraRules.get("front"))?.operation).toBe("DEL");
  await api.call("delete", "/cameras/{camera}", front);
});

test("a live camera: its series, what is the matter with it, its picture", async () => {
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  const report = (captured: number) => {
    const dropped = [{ reason: DropReason.SUPERSEDED, count: captured / 2 }];
    const status = CameraStatus.fromPartial({
      state: CameraState.LIVE,
      captureFps: 10,
      inferenceFps: 5,
      epoch: "e1",
      ingest: "i1",
      ledger: { captured, inferred: captured / 2, dropped },
    });
    return results.buckets.cameraStatus.put("front", CameraStatus.encode(status).finish());
  };
  await report(0);
  await expect
    .poll(async () => ((await api.call("get", "/cameras/{camera}", front)).body as HttpCamera).status.state)
    .toBe("live");
  for (let number = 1; number <= 5; number++) await results.publish(sampleFrame({ number }));
  await report(10);
  const series = async () =>
    (
      (await api.call("get", "/cameras/{camera}/series", { ...front, query: "?seconds=60" }))
        .body as HttpSeries
    ).samples;
  const total = (samples: HttpSeries["samples"], count: (s: HttpSeries["samples"][number]) => number) =>
    samples.reduce((sum, sample) => sum + count(sample), 0);
  // Frames and the ledger come on ways of their own.
  const shown = async () => {
    const samples = await series();
    return {
      captured: total(samples, ({ captured }) => captured),
      inferred: total(samples, ({ inferred }) => inferred),
      superseded: total(samples, ({ dropped }) => dropped.superseded ?? 0),
      inferMs: samples.find(({ latencyMs }) => latencyMs !== null)?.stagesMs.infer,
    };
  };
  await expect.poll(shown).toEqual({ captured: 10, inferred: 5, superseded: 5, inferMs: expect.closeTo(30) });
  // A camera of which nothing was heard for some seconds is not live any more.
  const finding = async () => {
    await report(10);
    return ((await api.call("get", "/cameras/{camera}", front)).body as HttpCamera).findings[0];
  };
  const text = expect.stringMatching(/^50% of the frames/);
  await expect.poll(finding).toMatchObject({ level: "warning", text });

  const picture = await api.call("get", "/cameras/{camera}/picture", { ...front, query: "?width=200" });
  expect(picture).toMatchObject({ status: 200 });
  expect(new Uint8Array(picture.body as ArrayBuffer).subarray(0, 2)).toEqual(jpegBegin);
  expect(pictures.requests.at(-1)).toMatchObject({ camera: "front", maxWidth: 200 });
  expect(
    await api.call("get", "/cameras/{camera}/picture", { ...front, query: "?annotated=true" }),
  ).toMatchObject({
    status: 200,
  });
  pictures.refusal = () => "no_frame";
  expect(await api.call("get", "/cameras/{camera}/picture", front)).toMatchObject({
    status: 503,
    body: { code: "picture_unavailable" },
  });
  pictures.refusal = () => undefined;
  await api.call("delete", "/cameras/{camera}", front);
});
