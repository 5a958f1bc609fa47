import { connect, type SightlineClient } from "@sightline/client";
import { Event, EventPhase, EventType, subjects } from "@sightline/contracts";
import { connectNats, createLogger, type Nats } from "@sightline/service";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type CommandOutcome, runCommand, useResults } from "../testing/command-line.ts";

const { results, env } = useResults();
let nats: Nats;
let client: SightlineClient;

beforeAll(async () => {
  nats = await connectNats(results().nats.url, "test", createLogger("test", "fatal"));
  client = connect(results().address);
});
afterAll(async () => {
  client?.close();
  await nats?.connection.close();
});

const deadLetters = (...args: string[]): Promise<CommandOutcome> =>
  runCommand(["dead-letters", ...args], env());

/** Has a reader give up the next `count` messages. */
async function giveUp(count: number): Promise<void> {
  let left = count;
  for await (const message of client.subscriptions.consume("alarm")) {
    if (message.kind === "gap") continue;
    await message.reject({ deadLetter: true, reason: "HTTP 410" });
    if (--left === 0) return;
  }
}

test("dead letters are listed, delivered again and deleted", async () => {
  await client.subscriptions.create("alarm", { kind: "events", start: "beginning" });
  expect(await deadLetters("list", "alarm")).toMatchObject({
    code: 0,
    stdout: "subscription 'alarm' has no dead letters\n",
  });
  for (const id of ["e1", "e2", "e3"]) {
    const event = Event.fromPartial({
      name: `cameras/front/events/${id}`,
      type: EventType.APPEARED,
      phase: EventPhase.START,
      revision: 1,
    });
    await nats.jetstream.publish(subjects.event("front", id), Event.encode(event).finish());
  }
  await giveUp(3);
  const lines = (await deadLetters("list", "alarm", "--json")).stdout.trim().split("\n");
  const listed = lines.map((line) => JSON.parse(line));
  expect(listed.map(({ event }) => event.id)).toEqual(["e1", "e2", "e3"]);
  expect(listed[0]).toMatchObject({
    reason: "HTTP 410",
    deliveryAttempts: 1,
    event: { name: "cameras/front/events/e1", type: "appeared" },
    frame: null,
  });
  expect((await deadLetters("list", "alarm")).stdout).toContain(
    `${listed[1].id}  ${listed[1].createTime}  front/e2 appeared start (revision 1): HTTP 410\n`,
  );

  // One that is not there keeps none of the others from it.
  expect(await deadLetters("delete", "alarm", "none", listed[1].id)).toMatchObject({
    code: 1,
    stdout: "1 deleted\n",
    stderr: expect.stringMatching(/^sightline: subscription 'alarm' has no dead letter 'none'.*\n$/),
  });
  expect(await deadLetters("retry", "alarm", "--all")).toMatchObject({
    code: 0,
    stdout: "2 will be delivered again\n",
  });
  const again: string[] = [];
  for await (const message of client.subscriptions.consume("alarm")) {
    if (message.kind !== "event") continue;
    again.push(message.event.name);
    await message.ack();
    if (again.length === 2) break;
  }
  expect(again).toEqual(["cameras/front/events/e1", "cameras/front/events/e3"]);
  expect((await client.subscriptions.get("alarm")).deadLetters).toBe(0);
});

test("what cannot be done is said", async () => {
  expect(await deadLetters("list", "nobody")).toMatchObject({ code: 1, stdout: "" });
  expect((await deadLetters("retry", "alarm")).stderr).toContain("give the ids of dead letters, or --all");
  expect((await deadLetters("retry", "alarm", "1", "--all")).stderr).toContain("or --all");
});

test("bridges run in the foreground, and say what they are missing", async () => {
  const outcome = await runCommand(["bridges"], env());
  expect(outcome.code).toBe(2);
  expect(outcome.stderr).toContain("neither SIGHTLINE_MQTT_URL");
});
