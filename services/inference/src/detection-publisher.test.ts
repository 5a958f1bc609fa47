import { jetstreamManager } from "@nats-io/jetstream";
import { FrameDetections, streams, subjects, tokenAckWaitMs } from "@sightline/contracts";
import { connectNats, createLogger, ensureStreams, type Nats } from "@sightline/service";
import { monotonicMs } from "@sightline/service/clock";
import { NatsServer } from "@sightline/service/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { DetectionPublisher } from "./detection-publisher.ts";

const log = createLogger("test", "silent");
const id = { camera: "front", epoch: "e", number: 1 };
const result = FrameDetections.create();
let server: NatsServer;
let nats: Nats;

beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
});

afterEach(async () => {
  await nats.connection.close();
  await server.stop();
});

const provision = () =>
  ensureStreams(nats.manager, { maxAgeSeconds: 3_600, maxBytes: 16 * 1024 ** 2, replicas: 1 });
const stored = async () => (await nats.manager.streams.info(streams.detections)).state.messages;

test("a result that is published twice is stored once", async () => {
  await provision();
  const publisher = new DetectionPublisher(nats, log);
  expect(await publisher.publish(id, result, monotonicMs())).toBe("stored");
  expect(await publisher.publish(id, result, monotonicMs())).toBe("stored");
  expect(await stored()).toBe(1);
});

test("a result whose time is over is not sent", async () => {
  await provision();
  const publisher = new DetectionPublisher(nats, log);
  expect(await publisher.publish(id, result, monotonicMs() - tokenAckWaitMs)).toBe("late");
  expect(await stored()).toBe(0);
});

test("a result is repeated until the stream is there to confirm it", async () => {
  const attempts = nats.connection.subscribe(subjects.detections(id.camera), { max: 1 });
  const outcome = new DetectionPublisher(nats, log).publish(id, result, monotonicMs());
  for await (const attempt of attempts) expect(attempt.headers!.get("Nats-Msg-Id")).toBe("front:e:1");
  await provision();
  expect(await outcome).toBe("stored");
  expect(await stored()).toBe(1);
});

test("nothing is sent while the server is away, and what is late then never is", async () => {
  await provision();
  const publisher = new DetectionPublisher(nats, log);
  await server.down("SIGKILL");
  await expect.poll(() => nats.connected()).toBe(false);
  const soonOver = monotonicMs() - tokenAckWaitMs + 300;
  const [late, kept] = [
    publisher.publish(id, result, soonOver),
    publisher.publish({ ...id, number: 2 }, result, monotonicMs()),
  ];
  expect(await late).toBe("late");
  await server.up();
  expect(await kept).toBe("stored");
  const manager = await jetstreamManager(nats.connection, { checkAPI: false });
  const message = await manager.streams.getMessage(streams.detections, { seq: 1 });
  expect(message!.header.get("Nats-Msg-Id")).toBe("front:e:2");
  expect(await stored()).toBe(1);
});
