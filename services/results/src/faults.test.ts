import { CameraState, CameraStatus } from "@sightline/contracts";
import { afterEach, expect, test } from "vitest";
import { RunningResults } from "./testing/running-results.ts";
import { sampleFrame } from "./testing/sample-frames.ts";

let results: RunningResults;
afterEach(() => results.stop());

test("NATS killed and back: subscriptions, registry and status go on; nothing comes twice", async () => {
  results = await RunningResults.start();
  const { cameras, detections } = results.client;
  await cameras.register("front", { uri: "rtsp://cam/x" });
  const opened = Promise.withResolvers<void>();
  const abort = new AbortController();
  const got: number[] = [];
  const reading = (async () => {
    const filter = { includeEmpty: true, signal: abort.signal, onOpen: () => opened.resolve() };
    for await (const event of detections.subscribe(filter))
      if (event.kind === "frame") got.push(event.frame.frame!.number);
  })();
  await opened.promise;
  for (let number = 1; number <= 20; number++) await results.publish(sampleFrame({ number }));
  await expect.poll(() => got.length).toBe(20);

  await results.server.down("SIGKILL");
  const readyz = async () => (await fetch(`http://${results.addresses.http}/readyz`)).status;
  await expect.poll(readyz).toBe(503);
  await expect(cameras.update("front", { targetFps: 1 })).rejects.toMatchObject({ code: "UNAVAILABLE" });
  expect((await cameras.get("front")).name).toBe("cameras/front");

  await results.server.up();
  await expect
    .poll(() => cameras.update("front", { targetFps: 2 }).catch((e) => e.code))
    .toMatchObject({
      targetFps: 2,
    });
  await expect.poll(readyz).toBe(200);
  const status = CameraStatus.fromPartial({ state: CameraState.LIVE, ingest: "i" });
  await expect
    .poll(() =>
      results.buckets.cameraStatus.put("front", CameraStatus.encode(status).finish()).catch(() => 0),
    )
    .toBeGreaterThan(0);
  await expect.poll(async () => (await cameras.get("front")).status?.state).toBe(CameraState.LIVE);
  for (let number = 21; number <= 40; number++)
    await expect
      .poll(() =>
        results.publish(sampleFrame({ number })).then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
  await expect.poll(() => got.length).toBe(40);
  expect(got).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
  abort.abort();
  await reading;
});

test("a stopping service ends its streams with UNAVAILABLE at once", async () => {
  results = await RunningResults.start();
  const opened = Promise.withResolvers<void>();
  const subscription = results.client.detections.subscribe({
    reconnect: false,
    onOpen: () => opened.resolve(),
  });
  const watching = results.client.cameras.watch();
  const ends = Promise.all([
    expect(subscription.next()).rejects.toMatchObject({ code: "UNAVAILABLE", reason: "stopping" }),
    expect(watching.next()).rejects.toMatchObject({ code: "UNAVAILABLE" }),
  ]);
  await opened.promise;
  await results.stopService();
  await ends;
});

test("more subscribers than allowed are refused, and a place is free again when one leaves", async () => {
  results = await RunningResults.start({ SIGHTLINE_MAX_SUBSCRIBERS: "1" });
  const opened = Promise.withResolvers<void>();
  const abort = new AbortController();
  const first = results.client.detections.subscribe({ signal: abort.signal, onOpen: () => opened.resolve() });
  const reading = first.next();
  await opened.promise;
  const refused = await results.client.detections
    .subscribe()
    .next()
    .catch((error) => error);
  expect(refused).toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "too_many_subscribers" });
  abort.abort();
  await reading;
  await expect.poll(() => results.metric("sightline_subscribers")).toBe(0);
});

test("a deadline ends a stream", async () => {
  results = await RunningResults.start();
  const { credentials } = await import("@grpc/grpc-js");
  const { DetectionServiceClient } = await import("@sightline/contracts/api");
  const client = new DetectionServiceClient(results.addresses.grpc, credentials.createInsecure());
  const request = {
    cameras: [],
    classes: [],
    minScore: 0,
    includeEmpty: false,
    start: undefined,
    progress: false,
  };
  const call = client.subscribeDetections(request, { deadline: Date.now() + 300 });
  const error = await new Promise<{ code: number }>((resolve) =>
    call.once("error", resolve as never).resume(),
  );
  expect(error.code).toBe(4);
  await expect.poll(() => results.metric("sightline_subscribers")).toBe(0);
  client.close();
});
