import { tmpdir } from "node:os";
import {
  encodeJson,
  FrameMetadata,
  frameMessageBytes,
  PixelFormat,
  readFrame,
  subjects,
  toTimestamp,
} from "@sightline/contracts";
import { connectNats, createLogger, type Nats } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { CameraSubjects } from "./camera-subjects.ts";
import { FrameBuffers } from "./frame-buffers.ts";
import { FrameQueue } from "./frame-queue.ts";
import { FrameSharing } from "./frame-sharing.ts";
import { HandedFrames } from "./handed-frames.ts";
import { Ledger } from "./ledger.ts";

const log = createLogger("test", "fatal");
const size = 32;
let server: NatsServer;
let nats: Nats;
let stops: (() => unknown)[];

beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  stops = [];
});

afterEach(async () => {
  for (const stop of stops) await stop();
  await nats.connection.close();
  await server.stop();
});

/** A process that has a frame of this epoch of the camera, for the token 1. */
function holder(epoch: string, isSure: boolean): void {
  const ledger = new Ledger();
  const queue = new FrameQueue(ledger, () => undefined);
  const clock = { at: (monotonic: number) => monotonic };
  const handed = new HandedFrames(
    nats,
    clock,
    "front",
    epoch,
    ledger,
    () => undefined,
    () => undefined,
    log,
  );
  const sharing = new FrameSharing({
    ...{ directory: tmpdir(), limitBytes: 0, cameras: () => 1, handed: () => undefined, log },
  });
  const pictures = { add: () => undefined } as never;
  const tracing = { sample: () => false, record: () => undefined };
  const parts = { camera: "front", epoch, queue, handed, pictures, sharing, tracing, isSure: () => isSure };
  const subject = new CameraSubjects(nats, parts, log);
  stops.push(
    () => subject.stop(),
    () => handed.stop(),
  );
  const buffers = new FrameBuffers(frameMessageBytes(size, size));
  const metadata = FrameMetadata.fromPartial({
    ...{ camera: "cameras/front", epoch, number: 7, captureTime: toTimestamp(Date.now()) },
    ...{ sourceWidth: size, sourceHeight: size, width: size, height: size },
    ...{ pixelFormat: PixelFormat.GBRP, letterbox: { left: 0, top: 0, width: size, height: size } },
  });
  queue.put({ metadata, message: buffers.take(), buffers, arrivedAt: 0, readyAt: performance.now() });
}

async function answerTo(epoch: string): Promise<Uint8Array> {
  const request = encodeJson({ epoch, token: 1, worker: "w" });
  const { data } = await nats.connection.request(subjects.frameGet("front"), request, { timeout: 30_000 });
  return data;
}

test("a worker gets the frame from the process that has it, also while another one still answers for the camera", async () => {
  for (const epoch of ["before", "now", "after"]) holder(epoch, epoch === "now");
  expect(readFrame(await answerTo("now")).frame).toMatchObject({ epoch: "now", number: 7 });
});

test("a token that nobody knows is void", async () => {
  holder("now", false);
  expect(await answerTo("before")).toHaveLength(0);
});

test("no worker waits for a process that certainly holds the camera: many tokens may be left of another epoch", async () => {
  holder("now", true);
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  stops.push(() => vi.useRealTimers());
  expect(await answerTo("before")).toHaveLength(0);
});
