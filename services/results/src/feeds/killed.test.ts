import {
  Event,
  eventsStream,
  formatFrameId,
  parseEventName,
  subjects,
  TimelineEntry,
  timelineStream,
} from "@sightline/contracts";
import { connectNats, createLogger, ensureStream, type Nats } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { span } from "../testing/event-collector.ts";
import { FeedClient, type FeedMessage } from "../testing/feed-client.ts";
import { KillableResults } from "../testing/results-process.ts";
import { sampleEvent } from "../testing/running-feeds.ts";
import { sampleFrame } from "../testing/sample-frames.ts";

let server: NatsServer;
let nats: Nats;
let results: KillableResults;
let client: FeedClient;
beforeAll(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
  const retention = { maxAgeSeconds: 3600, maxBytes: 256 * 1024 ** 2, replicas: 1 };
  await ensureStream(nats.manager, timelineStream(retention));
  await ensureStream(nats.manager, eventsStream(retention));
  results = new KillableResults(server.url, `127.0.0.1:${await freePort()}`);
  results.start();
  client = new FeedClient(results.address);
  await client.ready(30_000);
});
afterAll(async () => {
  client.close();
  await results.kill("SIGTERM");
  await nats.connection.close();
  await server.stop();
});

/** Publishes frame and event of this number, as the analysis does. */
async function publish(number: number): Promise<void> {
  const frame = sampleFrame({ camera: "front", number });
  const entry = TimelineEntry.fromPartial({ entry: { $case: "frame", value: frame } });
  await nats.jetstream.publish(subjects.timeline("front"), TimelineEntry.encode(entry).finish(), {
    msgID: formatFrameId({ camera: "front", epoch: "e1", number }),
  });
  const event = sampleEvent({ id: "e1", revision: number });
  const { camera, id } = parseEventName(event.name)!;
  await nats.jetstream.publish(subjects.event(camera, id), Event.encode(event).finish());
}

/** Reads on from cursor to cursor, whatever becomes of the service, until `last` has come. */
async function follow(
  subscribe: (start: "beginning" | { cursor: string }) => AsyncGenerator<FeedMessage, void>,
  last: number,
  onMessage: (number: number) => void,
) {
  const numbers: number[] = [];
  let interruptions = 0;
  let cursor = "";
  while (numbers.at(-1) !== last) {
    try {
      for await (const message of subscribe(cursor ? { cursor } : "beginning")) {
        if (message.kind !== "frame" && message.kind !== "event") throw new Error(`${message.kind} came`);
        const number = message.kind === "frame" ? message.frame.frame!.number : message.event.revision;
        numbers.push(number);
        cursor = message.cursor;
        onMessage(number);
        if (number === last) break;
      }
    } catch (error) {
      if ((error as { code?: string }).code !== "UNAVAILABLE") throw error;
      interruptions++;
      await client.ready(30_000);
    }
  }
  return { numbers, interruptions };
}

test("results killed with SIGKILL during subscriptions, and back: with cursors nothing is lost and nothing comes twice", async () => {
  const last = 600;
  const kills = [100, 350];
  const ignore = () => undefined;
  const killing: Promise<void>[] = [];
  const killAt = (number: number) => {
    if (number !== kills[0]) return;
    kills.shift();
    killing.push(results.kill().then(() => results.start()));
  };
  const frames = follow((start) => client.detections({ start }), last, killAt);
  const events = follow((start) => client.events({ start }), last, ignore);
  for (const number of span(1, last)) await publish(number);
  const outcomes = await Promise.all([frames, events]);
  await Promise.all(killing);
  for (const { numbers, interruptions } of outcomes) {
    expect(numbers).toEqual(span(1, last));
    expect(interruptions).toBeGreaterThan(0);
  }
}, 180_000);
