import { validate } from "@readme/openapi-parser";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CheckedApi } from "../testing/api-document.ts";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
let api: CheckedApi;
beforeAll(async () => {
  results = await RunningResults.start();
  api = await CheckedApi.open(results.addresses.http);
});
afterAll(() => results.stop());

test("the OpenAPI document is valid and names every operation", async () => {
  const copy = structuredClone(api.document) as unknown as Parameters<typeof validate>[0];
  expect(await validate(copy)).toMatchObject({ valid: true });
  expect(
    Object.entries(api.document.paths).flatMap(([path, of]) =>
      Object.entries(of).map(([method, { operationId }]) => `${operationId}: ${method} ${path}`),
    ),
  ).toMatchInlineSnapshot(`
    [
      "listCameras: get /api/v1/cameras",
      "registerCamera: post /api/v1/cameras",
      "getCamera: get /api/v1/cameras/{camera}",
      "updateCamera: patch /api/v1/cameras/{camera}",
      "deleteCamera: delete /api/v1/cameras/{camera}",
      "probeCamera: post /api/v1/probe",
      "getRules: get /api/v1/cameras/{camera}/rules",
      "setRules: put /api/v1/cameras/{camera}/rules",
      "getPicture: get /api/v1/cameras/{camera}/picture",
      "getSeries: get /api/v1/cameras/{camera}/series",
      "listDetections: get /api/v1/cameras/{camera}/detections",
      "listEvents: get /api/v1/events",
      "countEvents: get /api/v1/events/counts",
      "reviewEvents: post /api/v1/events/review",
      "getEvent: get /api/v1/events/{camera}/{event}",
      "getSnapshot: get /api/v1/events/{camera}/{event}/snapshot",
      "getRecording: get /api/v1/cameras/{camera}/recording",
      "deleteRecording: delete /api/v1/cameras/{camera}/recording",
      "listRecordingSpans: get /api/v1/cameras/{camera}/recording/spans",
      "getRecordingPlaylist: get /api/v1/cameras/{camera}/recording/playlist.m3u8",
      "getRecordingSegment: get /api/v1/cameras/{camera}/recording/segments/{ingest}/{segment}",
      "deleteCameraData: delete /api/v1/cameras/{camera}/data",
      "getClip: get /api/v1/events/{camera}/{event}/clip",
      "getSystem: get /api/v1/system",
      "listModels: get /api/v1/models",
      "activateModel: post /api/v1/models/{model}/activate",
      "rollbackModel: post /api/v1/models/{model}/rollback",
      "listShadows: get /api/v1/shadows",
      "startShadow: post /api/v1/shadows",
      "getShadow: get /api/v1/shadows/{shadow}",
      "deleteShadow: delete /api/v1/shadows/{shadow}",
      "stopShadow: post /api/v1/shadows/{shadow}/stop",
      "getShadowPicture: get /api/v1/shadows/{shadow}/pictures/{frame}",
      "inspectModelVersion: get /api/v1/models/{model}/versions/{version}",
      "deleteModelVersion: delete /api/v1/models/{model}/versions/{version}",
      "listModelJobs: get /api/v1/model-jobs",
      "createModelImport: post /api/v1/model-jobs/import",
      "createModelEvaluation: post /api/v1/model-jobs/evaluation",
      "getModelJob: get /api/v1/model-jobs/{job}",
      "deleteModelJob: delete /api/v1/model-jobs/{job}",
      "startModelJob: post /api/v1/model-jobs/{job}/start",
      "cancelModelJob: post /api/v1/model-jobs/{job}/cancel",
      "getAuth: get /api/v1/auth",
      "login: post /api/v1/auth/login",
      "logout: post /api/v1/auth/logout",
      "startOidcLogin: get /api/v1/auth/oidc/start",
      "finishOidcLogin: get /api/v1/auth/oidc/callback",
      "listUsers: get /api/v1/users",
      "createUser: post /api/v1/users",
      "updateUser: patch /api/v1/users/{name}",
      "deleteUser: delete /api/v1/users/{name}",
      "setPassword: post /api/v1/users/{name}/password",
      "listTokens: get /api/v1/tokens",
      "createToken: post /api/v1/tokens",
      "deleteToken: delete /api/v1/tokens/{id}",
      "listAudit: get /api/v1/audit",
      "uploadModelJobPiece: put /api/v1/model-jobs/{job}/files/{file}/{piece}",
    ]
  `);
});

test("what is wrong with a request is said in one shape, without repeating what may be secret", async () => {
  const wrong: [unknown, Record<string, string>, number, string][] = [
    ["{", {}, 400, "invalid_argument"],
    ["", {}, 400, "invalid_argument"],
    [{ id: "a" }, {}, 400, "invalid_argument"],
    ['{"id":"a","uri":"rtsp://cam/x","uri":"rtsp://u:hunter2@cam/y"}', {}, 400, "invalid_argument"],
    [Buffer.from('{"id":"a","uri":"rtsp://cam/\xff"}', "latin1"), {}, 400, "invalid_argument"],
    [{ id: "a", uri: "rtsp://cam/x", nonsense: 1 }, {}, 400, "invalid_argument"],
    [{ id: "a", uri: "ftp://u:hunter2@cam/x" }, {}, 400, "invalid_argument"],
    [{ id: "A B", uri: "rtsp://cam/x" }, {}, 400, "invalid_argument"],
    [{ id: "a", uri: "rtsp://cam/x", model: "cars" }, {}, 400, "model_not_served"],
    [
      "id=a&uri=rtsp://cam/x",
      { "content-type": "application/x-www-form-urlencoded" },
      415,
      "media_type_refused",
    ],
    ['{"id":"a","uri":"rtsp://cam/x"}', { "content-type": "text/plain" }, 415, "media_type_refused"],
    [{ id: "a", uri: "x".repeat(200_000) }, {}, 413, "body_too_large"],
  ];
  for (const [body, headers, status, code] of wrong) {
    const answer = await api.call("post", "/cameras", { body, headers });
    expect(answer, JSON.stringify(body).slice(0, 60)).toMatchObject({ status, body: { code } });
    expect(JSON.stringify(answer.body)).not.toContain("hunter");
  }
  expect(await api.call("get", "/events", { query: "?type=party" })).toMatchObject({ status: 400 });
  expect(await api.call("get", "/events", { query: "?from=yesterday" })).toMatchObject({ status: 400 });
  const elsewhere = await fetch(`http://${results.addresses.http}/api/v1/nothing`);
  expect(elsewhere.status).toBe(404);
  expect(await elsewhere.json()).toMatchObject({ code: "route_not_found" });
  const malformed = await fetch(`http://${results.addresses.http}/api/v1/cameras/%ff`);
  expect(malformed.status).toBe(400);
  expect(await malformed.json()).toMatchObject({ code: "invalid_argument" });
});
