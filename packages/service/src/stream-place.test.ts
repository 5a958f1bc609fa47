import { expect, test } from "vitest";
import { createLogger } from "./log.ts";
import { connectNats } from "./nats.ts";
import { findLoss, nanosOf, type StreamPlace } from "./stream-place.ts";
import { NatsServer } from "./testing/nats-server.ts";

test("a stream that came back without its newest messages: what is lost is found by the time, though others bear the sequences", async () => {
  const server = await NatsServer.start();
  const nats = await connectNats(server.url, "test", createLogger("test", "fatal"));
  try {
    await nats.manager.streams.add({ name: "S", subjects: ["s"] });
    const publish = async (count: number) => {
      for (let i = 0; i < count; i++)
        await nats.jetstream.publish("s", new Uint8Array(), { timeout: 30_000 });
    };
    const placeOf = async (sequence: number): Promise<StreamPlace> => {
      const message = await nats.manager.streams.getMessage("S", { seq: sequence });
      return { sequence, time: nanosOf(message!.timestamp) };
    };
    const loss = async (place: StreamPlace, timeOf?: "message" | "later") => {
      const { state } = await nats.manager.streams.info("S");
      return (await findLoss(nats.manager, "S", state, place, timeOf))?.sequence;
    };
    await publish(3);
    const goBack = await server.keepCopy();
    await expect.poll(() => nats.connected()).toBe(true);
    await publish(3);
    const [kept, lost] = [await placeOf(2), await placeOf(5)];
    // What remembers a sequence with the time at which something else was stored, a little later.
    const later = (place: StreamPlace) => ({ ...place, time: place.time + 1_000_000n });
    await goBack();
    await expect.poll(() => nats.manager.streams.info("S").then(Boolean, () => false)).toBe(true);
    for (const length of [3, 8]) {
      if (length > 3) await publish(length - 3);
      expect(await loss(kept)).toBeUndefined();
      expect(await loss(lost)).toBe(3);
      expect(await loss(later(kept), "later")).toBeUndefined();
      expect(await loss(later(lost), "later")).toBe(3);
    }
  } finally {
    await nats.connection.close();
    await server.stop();
  }
});
