import type { KV } from "@nats-io/kv";
import { CameraState, CameraStatus } from "@sightline/contracts";
import { connectNats, createLogger, type Nats, openBuckets } from "@sightline/service";
import { NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { StatusReporter } from "./status-reporter.ts";

const log = createLogger("test", "fatal");
let server: NatsServer;
let nats: Nats;
let statuses: KV;

beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  statuses = (await openBuckets(nats.kv)).cameraStatus;
});
afterAll(async () => {
  await nats?.connection.close();
  await server?.stop();
});

/** A reporter of a camera whose first write is under way until `answer`, with a change that waits for it. */
function changing(camera: string) {
  const answered = Promise.withResolvers<void>();
  const slow = {
    put: async (key: string, data: Uint8Array) => {
      await answered.promise;
      return statuses.put(key, data);
    },
  } as KV;
  const numbers = () => CameraStatus.create({ ingest: "leaving" });
  const reporter = new StatusReporter(slow, camera, numbers, log);
  reporter.start();
  reporter.set(CameraState.LIVE);
  return { reporter, answer: () => answered.resolve() };
}

async function states(camera: string): Promise<CameraState[]> {
  const found: CameraState[] = [];
  for await (const entry of await statuses.history({ key: camera })) {
    found.push(CameraStatus.decode(entry.value).state);
  }
  return found;
}

test("the last word of who lets a camera go is written, also when another write is under way", async () => {
  const { reporter, answer } = changing("released");
  const stopped = reporter.stop("released");
  answer();
  await stopped;
  expect(await states("released")).toEqual([CameraState.PENDING]);
});

test("who has lost a camera writes nothing after the write under way: another has it", async () => {
  const { reporter, answer } = changing("lost");
  const stopped = reporter.stop("lost");
  answer();
  await stopped;
  expect(await states("lost")).toEqual([CameraState.CONNECTING]);
});
