import { TimeoutError } from "@nats-io/transport-node";
import { expect, test } from "vitest";
import { JetStreamWatch } from "./jetstream-watch.ts";

test("silence that lasts is a fault of the stream, unless the server is away", () => {
  let now = 0;
  const watch = new JetStreamWatch(() => now);
  const silent = () => {
    watch.refused("ready.people.front", new TimeoutError());
    now += 4_000;
    watch.refused("ready.people.front", new TimeoutError());
  };
  silent();
  expect(watch.reason()).toBe("the stream READY takes no messages: JetStream gives no answer");
  watch.away(true);
  expect(watch.reason()).toBeUndefined();
  silent();
  watch.away(false);
  expect(watch.reason()).toBeUndefined();
  silent();
  expect(watch.reason()).toBeDefined();
});
