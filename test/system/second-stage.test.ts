import { connect, SightlineError } from "@sightline/client";
import { type Event, EventPhase, EventType, type Track } from "@sightline/contracts";
import { afterAll, beforeAll, expect, test } from "vitest";
import { System } from "./system.ts";

let system: System;
beforeAll(async () => {
  system = await System.start();
});
afterAll(() => system?.stop());

const colourOf = (track: Track | undefined) => track?.attributes.map(({ value }) => value).join();

test("a rule for red makes events of people in red only, over gRPC, from a camera over RTSP with the classifier that ships", async () => {
  const cameras = await system.cameras(1);
  const client = connect(`127.0.0.1:${system.ports.grpc}`);
  const ending = new AbortController();
  const seen: Event[] = [];
  const red: Event[] = [];
  const listen = async (into: Event[], attributes?: Record<string, string[]>) => {
    const filter = { cameras: ["street"], types: [EventType.APPEARED], ...(attributes && { attributes }) };
    for await (const message of client.events.subscribe({ filter, signal: ending.signal }))
      if (message.kind === "event") into.push(message.event);
  };
  try {
    const street = { uri: cameras.url("camera-1"), secondStages: [{ model: "clothing-colour" }] };
    // A worker tells of what it has soon after it takes work.
    await system.until(() =>
      client.cameras.register("street", street).then(
        () => true,
        (error: unknown) => {
          if (error instanceof SightlineError && /no worker has/.test(error.message)) return false;
          throw error;
        },
      ),
    );
    const listening = [listen(seen), listen(red, { colour: ["red"] })];
    const wanted = (value: string) => ({
      type: EventType.APPEARED,
      attributes: [{ name: "colour", values: [value] }],
    });
    await expect(client.rules.update("street", { rules: [wanted("pink")] })).rejects.toThrow(
      /"pink" is no colour; it is one of: black, /,
    );
    await client.rules.update("street", {
      rules: [
        { ...wanted("red"), name: "in red" },
        { type: EventType.APPEARED, name: "anybody" },
      ],
    });
    await system.until(() => seen.filter(({ rule }) => rule === "in red").length > 0 && red.length > 0);
    await system.until(() => new Set(seen.map(({ track }) => colourOf(track))).size > 2);
    const frames = await system.frames("street", 5);
    ending.abort();
    await Promise.all(listening);

    for (const { rule, track, message } of seen.filter((event) => event.rule === "in red")) {
      expect([rule, colourOf(track)]).toEqual(["in red", "red"]);
      expect(message).toContain("person (colour red)");
      expect(track!.attributes[0]!.score).toBeGreaterThanOrEqual(0.5);
    }
    const others = new Set(seen.filter(({ rule }) => rule === "anybody").map(({ track }) => colourOf(track)));
    expect([...others]).toEqual(expect.arrayContaining(["black"]));
    for (const { track } of red) expect(colourOf(track)).toBe("red");
    const read = frames
      .flatMap(({ detections = [] }) => detections)
      .filter((each) => each.attributeReadings?.length);
    expect(read.length).toBeGreaterThan(0);
    expect(read.every((each) => each.attributes === undefined || each.attributes[0].name === "colour")).toBe(
      true,
    );

    // What is kept is found by attribute too.
    const kept = [];
    for await (const event of client.events.list({ filter: { attributes: { colour: ["red"] } } }))
      kept.push(event);
    expect(kept.length).toBeGreaterThan(0);
    expect(
      kept.every(({ track, phase }) => colourOf(track) === "red" && phase !== EventPhase.UNSPECIFIED),
    ).toBe(true);
  } finally {
    ending.abort();
    client.close();
  }
});
