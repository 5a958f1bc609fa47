import { headers } from "@nats-io/transport-node";
import {
  CameraReason,
  decodeJson,
  type HttpCamera,
  type HttpChangedCamera,
  type ProbeAnswer,
  type ProbeRequest,
  probeHeader,
  probeQueue,
  probeRequestSchema,
  subjects,
} from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../../testing/api-document.ts";
import { RunningResults } from "../../testing/running-results.ts";

let results: RunningResults;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(() => results.stop());

const jpegBegin = new Uint8Array([0xff, 0xd8]);
const front = { params: { camera: "front" } };

test("a camera: register, read, change under its etag, remove", async () => {
  const body = { id: "front", uri: "rtsp://admin:hunter2@cam/x", minScore: 0.4, classes: ["person"] };
  const created = await api.call("post", "/cameras", { body });
  expect(created).toMatchObject({
    status: 201,
    body: {
      id: "front",
      uri: "rtsp://cam/x",
      transport: "auto",
      videoTrack: 0,
      recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0, audio: false },
      minScore: 0.4,
      classes: ["person"],
      hasCredentials: true,
      model: "yolo-nas-pedestrians",
      status: { state: "pending" },
      findings: [{ level: "warning" }],
    },
  });
  expect(created.headers.get("location")).toBe("/api/v1/cameras/front");
  expect(created.headers.get("etag")).toBe(`"${(created.body as HttpCamera).etag}"`);
  expect(await api.call("post", "/cameras", { body })).toMatchObject({
    status: 409,
    body: { code: "camera_exists" },
  });

  const records = { recording: { mode: "continuous", maxAgeDays: 7 } };
  expect(await api.call("patch", "/cameras/{camera}", { ...front, body: records })).toMatchObject({
    status: 200,
    body: { recording: { mode: "continuous", maxAgeDays: 7, eventsMaxAgeDays: 0 }, minScore: 0.4 },
  });
  const recordUri = "rtsp://viewer:hunter2@cam/main";
  expect(await api.call("patch", "/cameras/{camera}", { ...front, body: { recordUri } })).toMatchObject({
    status: 200,
    body: { recordUri: "rtsp://cam/main", hasRecordCredentials: true, hasCredentials: true },
  });
  expect(await api.call("patch", "/cameras/{camera}", { ...front, body: { recordUri: "" } })).toMatchObject({
    body: { recordUri: "", hasRecordCredentials: false, uri: "rtsp://cam/x" },
  });
  const privacyMasks = [
    [
      [0, 0],
      [0.5, 0],
      [0.5, 0.25],
    ],
  ];
  const labels = { site: "north" };
  const masked = { ...front, body: { privacyMasks, maskedVideo: "off", labels } };
  expect(await api.call("patch", "/cameras/{camera}", masked)).toMatchObject({
    status: 200,
    body: masked.body,
  });
  const { etag } = (
    await api.call("patch", "/cameras/{camera}", {
      ...front,
      body: { recording: { eventsMaxAgeDays: 30 } },
    })
  ).body as HttpCamera;
  const change = { ...front, body: { targetFps: 5, classes: [] }, headers: { "if-match": `"${etag}"` } };
  const changed = await api.call("patch", "/cameras/{camera}", change);
  expect(changed).toMatchObject({
    status: 200,
    body: {
      targetFps: 5,
      classes: [],
      minScore: 0.4,
      ...masked.body,
      recording: { mode: "continuous", maxAgeDays: 7, eventsMaxAgeDays: 30 },
    },
  });
  expect(await api.call("patch", "/cameras/{camera}", change)).toMatchObject({
    status: 412,
    body: { code: "etag_mismatch" },
  });
  const read = await api.call("get", "/cameras/{camera}", front);
  // Which the answer to a change has beside the camera.
  const { warnings, ...camera } = changed.body as HttpChangedCamera;
  expect(warnings).toEqual([]);
  expect(read.body).toEqual(camera);
  for (const [label, totalSize] of [
    ["site=north", 1],
    ["site=south", 0],
  ] as const)
    expect(await api.call("get", "/cameras", { query: `?label=${label}` })).toMatchObject({
      body: { totalSize },
    });
  const list = await api.call("get", "/cameras", { query: "?pageSize=1" });
  expect(list.body).toEqual({ cameras: [camera], nextPageToken: "", totalSize: 1 });
  expect(JSON.stringify([created, changed, read, list])).not.toContain("hunter");

  expect(await api.call("delete", "/cameras/{camera}", front)).toMatchObject({ status: 204 });
  expect(await api.call("delete", "/cameras/{camera}", front)).toMatchObject({
    status: 404,
    body: { code: "camera_not_found" },
  });
});

test("all that is wrong with a camera is told at once, be it form or value", async () => {
  const told = async (method: "post" | "patch", path: string, body: object) => {
    const answer = await api.call(method, path, { ...(method === "patch" && front), body });
    expect(answer).toMatchObject({ status: 400, body: { code: "invalid_argument" } });
    return (answer.body as { message: string }).message.split("\n");
  };
  const faulty = {
    targetFps: 999,
    minScore: "high",
    classes: [7],
    color: "red",
    videoTrack: 17,
    recording: { mode: "smoke" },
  };
  const form = [/^body\.minScore: /, /^body\.classes\.0: /, /^body: .*"color"/, /^body\.recording\.mode: /];
  const expected = (faults: readonly RegExp[]) => faults.map((fault) => expect.stringMatching(fault));
  const posted = await told("post", "/cameras", { id: "No Name", uri: "ftp://cam/x", ...faulty });
  expect(posted).toEqual(
    expect.arrayContaining(
      expected([
        ...form,
        /^camera_id is/,
        /^camera\.uri /,
        /^camera\.video_track is 17; /,
        /^camera\.target_fps is 999; expected/,
      ]),
    ),
  );
  expect((await told("post", "/cameras", { id: "x", minScore: "high" })).join()).not.toContain("camera.");
  await api.call("post", "/cameras", { body: { id: "front", uri: "rtsp://cam/x" } });
  const patched = await told("patch", "/cameras/{camera}", { uri: "ftp://cam/x", ...faulty });
  expect(patched).toEqual(
    expect.arrayContaining(
      expected([
        ...form,
        /^camera\.uri /,
        /^camera\.video_track is 17; /,
        /^camera\.target_fps is 999; expected/,
      ]),
    ),
  );
  expect(await told("patch", "/cameras/{camera}", { minScore: "high" })).toHaveLength(1);
  const probed = await told("post", "/probe", { uri: "ftp://cam/x", transport: "smoke" });
  expect(probed).toEqual(expected([/^body\.transport: /, /^camera\.uri /]));
  await api.call("delete", "/cameras/{camera}", front);
});

test("a camera is tried out by any ingest; without one, it is said", async () => {
  const body = { uri: "rtsp://u:secret@cam/x" };
  const nobody = await api.call("post", "/probe", { body });
  expect(nobody).toMatchObject({ status: 503, body: { code: "probe_unavailable" } });
  const asked: ProbeRequest[] = [];
  const subscription = results.nats.connection.subscribe(subjects.cameraProbe, {
    queue: probeQueue,
    callback: (_error, message) => {
      asked.push(decodeJson(probeRequestSchema, message.data));
      const answer: ProbeAnswer =
        asked.length === 1
          ? { ok: true, codec: "h264", width: 640, height: 480, fps: 25 }
          : { ok: false, reason: CameraReason.UNAUTHORIZED, message: "it wants a password" };
      const head = headers();
      head.set(probeHeader, JSON.stringify(answer));
      message.respond(answer.ok ? jpegBegin : new Uint8Array(), { headers: head });
    },
  });
  await results.nats.connection.flush();
  expect((await api.call("post", "/probe", { body })).body).toEqual({
    ok: true,
    codec: "h264",
    width: 640,
    height: 480,
    fps: 25,
    videoTracks: 1,
    picture: "data:image/jpeg;base64,/9g=",
    pictureFault: "",
  });
  expect(asked).toEqual([
    {
      uri: "rtsp://cam/x",
      transport: "auto",
      videoTrack: 0,
      username: "u",
      password: "secret",
      picture: true,
    },
  ]);
  expect(
    (await api.call("post", "/probe", { body: { uri: "rtsp://cam/x", transport: "udp" } })).body,
  ).toEqual({
    ok: false,
    reason: "unauthorized",
    message: "it wants a password",
  });
  subscription.unsubscribe();
});
