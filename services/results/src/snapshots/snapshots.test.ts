import { type Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { TestPictures } from "@sightline/analysis-service/testing";
import { CameraRules, EventType, encodeJson } from "@sightline/contracts";
import {
  CameraServiceClient,
  EventServiceClient,
  type GetCameraSnapshotResponse,
  type GetEventSnapshotResponse,
  ListEventsRequest,
  type ListEventsResponse,
  RulesServiceClient,
} from "@sightline/contracts/api";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { RunningResults } from "../testing/running-results.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

const now = new Date().toISOString();
const record = {
  uri: "rtsp://127.0.0.1:9/x",
  transport: "tcp",
  targetFps: 0,
  model: "test",
  minScore: 0,
  classes: [],
  hasCredentials: false,
  createTime: now,
  updateTime: now,
};

/** A bound on waiting, not a measurement. */
const patience = { timeout: 60_000 };

let results: RunningResults;
let source: TestPictures;
let cameras: CameraServiceClient;
let events: EventServiceClient;
let rulesService: RulesServiceClient;
let published = 0;

beforeAll(async () => {
  results = await RunningResults.start();
  source = await TestPictures.start(results.nats);
  cameras = new CameraServiceClient(results.addresses.grpc, credentials.createInsecure());
  events = new EventServiceClient(results.addresses.grpc, credentials.createInsecure());
  rulesService = new RulesServiceClient(results.addresses.grpc, credentials.createInsecure());
  await results.buckets.cameras.put("front", encodeJson(record));
  await vi.waitUntil(() => cameraPicture("front", false).catch(() => undefined), patience);
});

afterAll(async () => {
  for (const client of [cameras, events, rulesService] as (Client | undefined)[]) client?.close();
  source?.stop();
  await results?.stop();
});

/** A call's answer as a promise. */
function call<Request, Response>(
  client: Client,
  method: (request: Request, callback: (error: ServiceError | null, answer: Response) => void) => unknown,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) =>
    method.call(client, request, (error, answer) => (error ? reject(error) : resolve(answer))),
  );
}

function cameraPicture(camera: string, annotated: boolean): Promise<GetCameraSnapshotResponse> {
  return call(cameras, cameras.getCameraSnapshot, {
    name: `cameras/${camera}`,
    annotated,
    modelFrame: false,
  });
}

function eventPicture(name: string, annotated = false): Promise<GetEventSnapshotResponse> {
  return call(events, events.getEventSnapshot, { name, annotated });
}

async function codeOf(call: Promise<unknown>): Promise<[number, string]> {
  const error = await call.then(
    () => undefined,
    (reason: ServiceError) => reason,
  );
  return [error?.code ?? status.OK, String(error?.metadata.get("sightline-error")[0] ?? "")];
}

/** Share of pixels that are not grey: what is drawn has colour. */
async function coloured(jpeg: Uint8Array): Promise<number> {
  const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const pixels = info.width * info.height;
  let count = 0;
  for (let i = 0; i < pixels; i++) {
    const [red = 0, green = 0, blue = 0] = data.subarray(3 * i, 3 * i + 3);
    if (Math.max(red, green, blue) - Math.min(red, green, blue) > 60) count += 1;
  }
  return count / pixels;
}

test("the picture of an event is to be had when it has happened, plain and with its object drawn", async () => {
  const rules = { name: "cameras/front/rules", rules: [{ type: EventType.APPEARED }] };
  await call(rulesService, rulesService.updateCameraRules, {
    rules: CameraRules.fromPartial(rules),
  });
  await vi.waitUntil(
    async () => {
      await results.publish(sampleFrame({ number: ++published }));
      return source.requests.some(({ number }) => number !== undefined);
    },
    { ...patience, interval: 50 },
  );
  const { epoch, number } = source.requests.find((request) => request.number !== undefined)!;
  const list = ListEventsRequest.fromPartial({});
  const name = await vi.waitUntil(
    async () =>
      (await call<ListEventsRequest, ListEventsResponse>(events, events.listEvents, list)).events[0]?.name,
    patience,
  );
  await expect.poll(() => codeOf(eventPicture(name)), patience).toEqual([status.OK, ""]);
  const plain = await eventPicture(name);
  expect(plain).toMatchObject({ contentType: "image/jpeg", frame: { epoch, number, ptsUs: 40 } });
  expect(await coloured(plain.content)).toBe(0);
  expect(await coloured((await eventPicture(name, true)).content)).toBeGreaterThan(0.005);
  expect(await results.metric("sightline_snapshots_stored_total")).toBe(1);
});

test("an event without a picture has none, and a name that is none is refused", async () => {
  expect(await codeOf(eventPicture("cameras/front/events/abc-e99"))).toEqual([
    status.NOT_FOUND,
    "snapshot_not_found",
  ]);
  expect(await codeOf(eventPicture("cameras/front/events/../x"))).toEqual([
    status.INVALID_ARGUMENT,
    "invalid_argument",
  ]);
});

test("a camera's picture is the newest, and the one whose detections are known when they are drawn", async () => {
  await results.publish(sampleFrame({ number: ++published, found: [["person", 0.9]] }));
  await expect
    .poll(async () => (await cameraPicture("front", true)).frame, patience)
    .toMatchObject({ epoch: "e1", number: published });
  expect(await coloured((await cameraPicture("front", true)).content)).toBeGreaterThan(0.005);
  const plain = await cameraPicture("front", false);
  expect(plain.frame).toMatchObject({ epoch: "newest", number: 1000 });
  expect(await coloured(plain.content)).toBe(0);
});

test("boxes are not left out silently: a camera none of whose frames has been analysed gives no annotated picture", async () => {
  await results.buckets.cameras.put("new", encodeJson(record));
  await vi.waitUntil(() => cameraPicture("new", false).catch(() => undefined), patience);
  expect(await codeOf(cameraPicture("new", true))).toEqual([status.UNAVAILABLE, "picture_unavailable"]);
});

test("a camera that is not there, or gives no picture, says so", async () => {
  expect(await codeOf(cameraPicture("back", false))).toEqual([status.NOT_FOUND, "camera_not_found"]);
  expect(await codeOf(cameraPicture("Bad Name", false))).toEqual([
    status.INVALID_ARGUMENT,
    "invalid_argument",
  ]);
  source.refusal = () => "no_frame";
  expect(await codeOf(cameraPicture("front", false))).toEqual([status.UNAVAILABLE, "picture_unavailable"]);
  source.refusal = () => undefined;
});
