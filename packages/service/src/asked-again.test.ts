import { type NatsConnection, NoRespondersError, TimeoutError } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ask, makeUntilAnswered } from "./asked-again.ts";
import { createLogger } from "./log.ts";
import { connectNats } from "./nats.ts";
import { NatsServer } from "./testing/nats-server.ts";

let server: NatsServer;
let connection: NatsConnection;

beforeAll(async () => {
  server = await NatsServer.start();
  ({ connection } = await connectNats(server.url, "test", createLogger("test", "fatal")));
});
afterAll(async () => {
  await connection.close();
  await server.stop();
});

/** Answers from the question of this number on. */
function answersFrom(subject: string, first: number): { asked: number } {
  const heard = { asked: 0 };
  connection.subscribe(subject, {
    callback: (_error, message) => {
      heard.asked += 1;
      if (heard.asked >= first) message.respond(String(heard.asked));
    },
  });
  return heard;
}

test("what has an answer is asked once", async () => {
  const heard = answersFrom("quick", 1);
  expect((await ask(connection, "quick", "", { timeout: 2_000 })).string()).toBe("1");
  expect(heard.asked).toBe(1);
});

test("what was asked of one that is gone is asked again, within the time that it has", async () => {
  answersFrom("late", 2);
  expect((await ask(connection, "late", "", { timeout: 20_000 })).string()).toBe("2");
});

test("what nobody answers fails when its time is up, and what nobody hears at once", async () => {
  answersFrom("never", 100);
  await expect(ask(connection, "never", "", { timeout: 700 })).rejects.toThrow(TimeoutError);
  await expect(ask(connection, "nobody", "", { timeout: 20_000 })).rejects.toSatisfy(
    (error: Error) => error instanceof NoRespondersError || error.cause instanceof NoRespondersError,
  );
});

test("what was to be made where nobody answers is made again, and what is made twice is told", async () => {
  const first = Promise.withResolvers<string>();
  const unwanted: string[] = [];
  let made = 0;
  const make = async () => (++made === 1 ? first.promise : "second");
  expect(await makeUntilAnswered(make, (each) => unwanted.push(each))).toBe("second");
  first.resolve("first");
  await expect.poll(() => unwanted).toEqual(["first"]);
});

test("what cannot be made is told at once", async () => {
  const refused = async () => {
    throw new Error("there is no such stream");
  };
  await expect(makeUntilAnswered(refused, () => undefined)).rejects.toThrow("no such stream");
});
