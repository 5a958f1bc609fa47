import { createServer } from "node:http2";
import { type CameraChange, SightlineError } from "@sightline/client";
import {
  CameraReason,
  CameraState,
  CameraStatus,
  cameraRecordSchema,
  cameraSecretSchema,
  decodeJson,
  encodeJson,
  limits,
  recordSecretKey,
  recordStreamSchema,
} from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { RunningResults } from "../testing/running-results.ts";

let results: RunningResults;
beforeAll(async () => {
  results = await RunningResults.start();
});
afterAll(() => results.stop());

afterEach(async () => {
  for await (const { name } of results.client.cameras.list())
    await results.client.cameras.delete(name.replace("cameras/", ""));
});

const secretUrl = "rtsp://admin:hunter%402@10.0.0.5/live";

async function storedSecret(id: string) {
  const entry = await results.buckets.cameraSecrets.get(id);
  return entry?.operation === "PUT" ? decodeJson(cameraSecretSchema, entry.value) : undefined;
}

describe("registration", () => {
  test("keeps the secret apart: not in the record, not in any answer", async () => {
    const { cameras } = results.client;
    const registered = await cameras.register("front", { uri: secretUrl, targetFps: 5, classes: ["person"] });
    expect(registered).toMatchObject({
      name: "cameras/front",
      uri: "rtsp://10.0.0.5/live",
      model: "yolo-nas-pedestrians",
      targetFps: 5,
      classes: ["person"],
      hasCredentials: true,
      status: { state: CameraState.PENDING },
    });
    const record = await results.buckets.cameras.get("front");
    expect(record!.string()).not.toContain("hunter");
    expect(decodeJson(cameraRecordSchema, record!.value)).toMatchObject({
      uri: "rtsp://10.0.0.5/live",
      hasCredentials: true,
    });
    expect(await storedSecret("front")).toEqual({ username: "admin", password: "hunter@2" });
    const answers = [registered, await cameras.get("front"), ...(await Array.fromAsync(cameras.list()))];
    expect(JSON.stringify(answers)).not.toContain("hunter");
  });

  test("a taken name, also when two ask at once, keeps the first one's secret", async () => {
    const { cameras } = results.client;
    const outcomes = await Promise.allSettled(
      ["one", "two", "three"].map((password) =>
        cameras.register("front", { uri: `rtsp://u:${password}@cam/x` }),
      ),
    );
    expect(outcomes.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected", "rejected"]);
    const winner = ["one", "two", "three"][outcomes.findIndex(({ status }) => status === "fulfilled")];
    expect((await storedSecret("front"))?.password).toBe(winner);
    await expect(cameras.register("front", { uri: secretUrl })).rejects.toMatchObject({
      code: "ALREADY_EXISTS",
      reason: "camera_exists",
    });
  });

  test("errors are typed and hold no secret", async () => {
    const { cameras } = results.client;
    const wrong: [string, Parameters<typeof cameras.register>[1], string][] = [
      ["Front", { uri: "rtsp://cam/x" }, "invalid_argument"],
      ["front", { uri: "ftp://u:hunter2@cam/x" }, "invalid_argument"],
      ["front", { uri: "rtsp://cam/x", model: "cars" }, "model_not_served"],
      ["front", { uri: "http://cam/x", transport: "udp" }, "invalid_argument"],
      ["front", { uri: "rtsp://cam/x", minScore: 2 }, "invalid_argument"],
    ];
    for (const [id, settings, reason] of wrong) {
      const error = await cameras.register(id, settings).catch((e) => e);
      expect(error).toBeInstanceOf(SightlineError);
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", reason });
      expect(error.message).not.toContain("hunter2");
    }
  });

  test("a model counts as served while a worker announces it", async () => {
    const { cameras } = results.client;
    const model = {
      name: "cars",
      architecture: "yolo_nas_s",
      width: 64,
      height: 64,
      longestSide: 64,
      padValue: 0,
    };
    await results.buckets.models.put("cars", encodeJson({ ...model, classes: ["car"] }));
    await expect
      .poll(() => cameras.register("front", { uri: "rtsp://cam/x", model: "cars" }).catch((e) => e.reason))
      .toMatchObject({ model: "cars" });
    expect(await cameras.modelClasses("front")).toEqual(["car"]);
    await expect(cameras.update("front", { classes: ["person"] })).rejects.toMatchObject({
      reason: "unknown_class",
    });
    await expect
      .poll(() => cameras.update("front", { model: "cars" }).catch((e) => e.reason))
      .toBe("model_not_served");
  });
});

describe("update", () => {
  test("changes what is named, and nothing else", async () => {
    const { cameras } = results.client;
    const settings = {
      transport: "udp",
      videoTrack: 2,
      decode: "cuda",
      targetFps: 5,
      minScore: 0.5,
      recording: { mode: "continuous", maxAgeDays: 7, audio: true },
    } as const;
    const before = await cameras.register("front", { uri: secretUrl, ...settings });
    expect(before.videoTrack).toBe(2);
    const after = await cameras.update("front", { targetFps: 0 });
    expect(after).toEqual({ ...before, targetFps: 0, etag: after.etag, updateTime: after.updateTime });
    expect(after.etag).not.toBe(before.etag);
    expect(await cameras.get("front")).toEqual(after);
    const { recording } = await cameras.update("front", {
      recording: { eventsMaxAgeDays: 30, audio: false },
    });
    expect(recording).toEqual({ ...before.recording, eventsMaxAgeDays: 30, audio: false });
    await cameras.update("front", { recording: { mode: "default", maxAgeDays: 0, eventsMaxAgeDays: 0 } });
    const record = await results.buckets.cameras.get("front");
    expect(decodeJson(cameraRecordSchema, record!.value)).not.toHaveProperty("recording");
  });

  test("an old etag is refused", async () => {
    const { cameras } = results.client;
    const { etag } = await cameras.register("front", { uri: secretUrl });
    await cameras.update("front", { targetFps: 1 }, { etag });
    await expect(cameras.update("front", { targetFps: 2 }, { etag })).rejects.toMatchObject({
      code: "ABORTED",
      reason: "etag_mismatch",
    });
    expect((await cameras.get("front")).targetFps).toBe(1);
  });

  test.each([
    ["the same server keeps the secret", "rtsp://10.0.0.5/other", "hunter@2"],
    ["another server never gets it", "rtsp://10.0.0.6/live", undefined],
    ["another port is another server", "rtsp://10.0.0.5:8554/live", undefined],
    ["a new one replaces it", "rtsp://admin:new@10.0.0.5/live", "new"],
    ["an empty user removes it", "rtsp://@10.0.0.5/live", undefined],
  ])("a new URL: %s", async (_, uri, password) => {
    const { cameras } = results.client;
    await cameras.register("front", { uri: secretUrl });
    const { hasCredentials } = await cameras.update("front", { uri });
    expect(hasCredentials).toBe(password !== undefined);
    expect((await storedSecret("front"))?.password).toBe(password);
  });

  test("a camera that is not there", async () => {
    const { cameras } = results.client;
    const missing = { code: "NOT_FOUND", reason: "camera_not_found" };
    await expect(cameras.update("none", { targetFps: 1 })).rejects.toMatchObject(missing);
    await expect(cameras.get("none")).rejects.toMatchObject(missing);
    await expect(cameras.delete("none")).rejects.toMatchObject(missing);
    await expect(cameras.get("No Name")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});

describe("a stream to be recorded", () => {
  const mainUrl = "rtsp://viewer:big-s3cret@10.0.0.5/main";
  const recordSecret = async () => (await storedSecret(recordSecretKey("front")))?.password;
  const storedStream = async () => {
    const entry = await results.buckets.recordStreams.get("front");
    return entry?.operation === "PUT" ? decodeJson(recordStreamSchema, entry.value) : undefined;
  };

  test("has a user and password of its own, kept apart; the camera's record is as processes of earlier versions know it", async () => {
    const { cameras } = results.client;
    const registered = await cameras.register("front", { uri: secretUrl, recordUri: mainUrl });
    expect(registered).toMatchObject({
      ...{ uri: "rtsp://10.0.0.5/live", hasCredentials: true },
      ...{ recordUri: "rtsp://10.0.0.5/main", hasRecordCredentials: true },
    });
    expect(await storedStream()).toEqual({ uri: "rtsp://10.0.0.5/main", hasCredentials: true });
    expect([await recordSecret(), (await storedSecret("front"))?.password]).toEqual([
      "big-s3cret",
      "hunter@2",
    ]);
    // It says whose it is: who reads it beside the URL of before tells that server nothing.
    expect((await storedSecret(recordSecretKey("front")))?.server).toBe("rtsp://10.0.0.5");
    const record = decodeJson(cameraRecordSchema, (await results.buckets.cameras.get("front"))!.value);
    expect(Object.keys(record)).not.toContain("recordUri");
    const answers = [await cameras.get("front"), ...(await Array.fromAsync(cameras.list()))];
    expect(JSON.stringify(answers)).not.toContain("s3cret");
    // Other settings leave it.
    const after = await cameras.update("front", { targetFps: 5, uri: "rtsp://10.0.0.9/live" });
    expect(after).toMatchObject({ recordUri: registered.recordUri, hasRecordCredentials: true });
    expect(await recordSecret()).toBe("big-s3cret");
  });

  test.each([
    ["the same server keeps the secret", "rtsp://10.0.0.5/other", "big-s3cret"],
    ["another server never gets it", "rtsp://10.0.0.6/main", undefined],
    ["that of the analysed stream is not its", "rtsp://10.0.0.5:8554/main", undefined],
    ["a new one replaces it", "rtsp://viewer:new@10.0.0.5/main", "new"],
    ["an empty user removes it", "rtsp://@10.0.0.5/main", undefined],
    ["no stream has none", "", undefined],
  ])("a new URL: %s", async (_, recordUri, password) => {
    const { cameras } = results.client;
    await cameras.register("front", { uri: secretUrl, recordUri: mainUrl });
    const after = await cameras.update("front", { recordUri });
    expect(after).toMatchObject({ hasRecordCredentials: password !== undefined, hasCredentials: true });
    expect(await recordSecret()).toBe(password);
    expect(await storedStream()).toEqual(
      recordUri === "" ? undefined : { uri: after.recordUri, hasCredentials: password !== undefined },
    );
  });

  test("what cannot be is refused and changes nothing, and so is what was meant for another state", async () => {
    const { cameras } = results.client;
    const { etag } = await cameras.register("front", { uri: secretUrl, recordUri: mainUrl });
    const wrong = { recordUri: "ftp://viewer:big-s3cret@10.0.0.5/main" };
    const refused = await cameras.update("front", wrong).catch((error) => error);
    expect(refused).toMatchObject({ reason: "invalid_argument" });
    expect(refused.message).toMatch(/^camera\.record_uri does not begin with rtsp/);
    expect(refused.message).not.toContain("s3cret");
    await expect(cameras.update("front", { recordUri: "http://cam/x", transport: "udp" })).rejects.toThrow(
      "UDP",
    );
    await cameras.update("front", { targetFps: 1 });
    const late = { recordUri: "rtsp://other:s3cret@10.0.0.7/main" };
    await expect(cameras.update("front", late, { etag })).rejects.toMatchObject({ reason: "etag_mismatch" });
    expect(await storedStream()).toEqual({ uri: "rtsp://10.0.0.5/main", hasCredentials: true });
    expect(await recordSecret()).toBe("big-s3cret");
  });

  test("goes with its camera, and is not that of a later one of the name", async () => {
    const { cameras } = results.client;
    await cameras.register("front", { uri: secretUrl, recordUri: mainUrl });
    await cameras.delete("front");
    expect([await storedStream(), await recordSecret()]).toEqual([undefined, undefined]);
    // As an earlier version would leave it, which knows of none.
    await results.buckets.recordStreams.put(
      "front",
      encodeJson({ uri: "rtsp://x/y", hasCredentials: false }),
    );
    const anew = await cameras.register("front", { uri: "rtsp://cam/x" });
    expect(anew).toMatchObject({ recordUri: "", hasRecordCredentials: false });
    expect((await cameras.get("front")).recordUri).toBe("");
  });
});

test("deletion leaves neither record nor secret, and frees the name", async () => {
  const { cameras } = results.client;
  await cameras.register("front", { uri: secretUrl });
  await cameras.delete("front");
  expect((await results.buckets.cameras.get("front"))?.operation).toBe("DEL");
  expect(await storedSecret("front")).toBeUndefined();
  expect((await cameras.register("front", { uri: "rtsp://cam/x" })).hasCredentials).toBe(false);
});

test("a list in pages holds every camera by name", async () => {
  const { cameras } = results.client;
  const ids = ["c", "a", "e", "b", "d"];
  await Promise.all(ids.map((id) => cameras.register(id, { uri: "rtsp://cam/x" })));
  const listed = await Array.fromAsync(cameras.list({ pageSize: 2 }));
  expect(listed.map(({ name }) => name)).toEqual([...ids].sort().map((id) => `cameras/${id}`));
});

test("a list holds the cameras that have all the labels", async () => {
  const { cameras } = results.client;
  const labels = { north: { site: "north", floor: "1" }, south: { site: "south", floor: "1" } };
  for (const [id, given] of Object.entries(labels))
    await cameras.register(id, { uri: "rtsp://cam/x", labels: given });
  const named = async (...wanted: string[]) =>
    (await Array.fromAsync(cameras.list({ labels: wanted, pageSize: 1 }))).map(({ name }) => name);
  expect(await named("floor=1")).toEqual(["cameras/north", "cameras/south"]);
  expect(await named("floor=1", "site=south")).toEqual(["cameras/south"]);
  expect(await named("site=west")).toEqual([]);
  await expect(named("site")).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
    message: expect.stringContaining("expected key=value"),
  });
  expect((await cameras.update("north", { labels: {} })).labels).toEqual({});
  expect(await named("site=north")).toEqual([]);
});

test("watch tells what is there, then each change", async () => {
  const { cameras } = results.client;
  await cameras.register("old", { uri: "rtsp://cam/x" });
  const abort = new AbortController();
  const changes = cameras.watch({ signal: abort.signal });
  const next = async () => ((await changes.next()).value as CameraChange) ?? undefined;
  expect(await next()).toMatchObject({ kind: "existing", camera: { name: "cameras/old" } });
  await cameras.register("new", { uri: secretUrl });
  const registered = await next();
  expect(registered).toMatchObject({ kind: "registered", camera: { name: "cameras/new" } });
  expect(JSON.stringify(registered)).not.toContain("hunter");
  await cameras.update("new", { targetFps: 3 });
  expect(await next()).toMatchObject({ kind: "updated", camera: { targetFps: 3 } });
  const status = CameraStatus.fromPartial({
    state: CameraState.DOWN,
    reason: CameraReason.UNAUTHORIZED,
    message: "the camera refuses this user",
  });
  await results.buckets.cameraStatus.put("new", CameraStatus.encode(status).finish());
  expect(await next()).toMatchObject({
    kind: "status",
    camera: { status: { reason: CameraReason.UNAUTHORIZED } },
  });
  await cameras.delete("new");
  expect(await next()).toMatchObject({ kind: "deleted", camera: { name: "cameras/new" } });
  abort.abort();
  expect((await changes.next()).done).toBe(true);
  await results.buckets.cameraStatus.delete("new");
});

test("a live camera of which nothing is heard any more is shown as pending", async () => {
  const { cameras } = results.client;
  await cameras.register("front", { uri: "rtsp://cam/x" });
  const live = CameraStatus.fromPartial({ state: CameraState.LIVE, ingest: "ingest-1", captureFps: 10 });
  await results.buckets.cameraStatus.put("front", CameraStatus.encode(live).finish());
  const state = async () => (await cameras.get("front")).status?.state;
  await expect.poll(state).toBe(CameraState.LIVE);
  await expect.poll(state).toBe(CameraState.PENDING);
  await results.buckets.cameraStatus.put("front", CameraStatus.encode(live).finish());
  await expect.poll(state).toBe(CameraState.LIVE);
  await results.buckets.cameraStatus.delete("front");
});

test("a message above the limit is refused", async () => {
  const uri = `rtsp://cam/${"x".repeat(limits.maxGrpcMessageBytes)}`;
  await expect(results.client.cameras.register("big", { uri })).rejects.toMatchObject({
    code: "RESOURCE_EXHAUSTED",
  });
});

test("a server that is not there is UNAVAILABLE, and one that does not speak gRPC is an error too", async () => {
  const { connect } = await import("@sightline/client");
  const other = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
  await new Promise((resolve) => other.once("listening", resolve));
  const { port } = other.address() as { port: number };
  const client = connect(`127.0.0.1:${port}`);
  await expect(client.cameras.get("front")).rejects.toBeInstanceOf(SightlineError);
  client.close();
  await new Promise((resolve) => other.close(resolve));
  const lonely = connect(`127.0.0.1:${await freePort()}`);
  await expect(lonely.cameras.get("front")).rejects.toMatchObject({ code: "UNAVAILABLE", reason: undefined });
  lonely.close();
});
