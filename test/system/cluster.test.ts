import { execFileSync } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { connect, type SightlineClient } from "@sightline/client";
import { EventType } from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import { natsNodeName, storedEvents, storedResults } from "@sightline/stack";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { Scrape, System } from "./system.ts";

const names = Array.from({ length: 12 }, (_, index) => `camera-${index + 1}`);
const nodes = [0, 1, 2];
/** NATS servers before 2.11 lose messages themselves when they are frozen (docs/operating.md). */
const natsServer = process.env.NATS_SERVER_PATH || "nats-server";
const isOldNats = /v2\.(?:\d|10)\./.test(execFileSync(natsServer, ["--version"], { encoding: "utf8" }));
let system: System;
let client: SightlineClient;
/** What a subscriber to events was given, at the second results service. */
const received: string[] = [];
const ending = new AbortController();
let subscriber: Promise<void>;

beforeAll(async () => {
  system = await System.start({}, undefined, nodes.length);
  const { second } = system.stack.cluster!;
  client = connect(`127.0.0.1:${second.grpc}`);
  subscriber = (async () => {
    for await (const message of client.events.subscribe({ start: "beginning", signal: ending.signal })) {
      expect(message.kind).toBe("event");
      if (message.kind === "event") received.push(`${message.event.name} ${message.event.revision}`);
    }
  })();
  subscriber.catch(() => {});
  // One frame a second of each: what two cores can do beside three NATS servers and eight services.
  const cameras = await system.cameras(names.length, { speed: 0.2 });
  for (const name of names) {
    await client.cameras.register(name, { uri: cameras.url(name), targetFps: 1 });
    await client.rules.update(name, { rules: [{ type: EventType.APPEARED }] });
  }
  await everyCameraIsAnalysed();
}, 400_000);

afterAll(async () => {
  ending.abort();
  await subscriber?.catch((error: Error) => console.error(error));
  client?.close();
  await system?.stop();
});

/** Returns when two more frames of every camera have been analysed. */
async function everyCameraIsAnalysed(): Promise<void> {
  const missing = new Map(names.map((name) => [`cameras/${name}`, 2]));
  for await (const message of client.detections.subscribe({ includeEmpty: true })) {
    if (message.kind !== "frame") continue;
    const { camera } = message.frame.frame!;
    const left = (missing.get(camera) ?? 1) - 1;
    if (left > 0) missing.set(camera, left);
    else missing.delete(camera);
    if (missing.size === 0) return;
  }
}

async function setFps(targetFps: number): Promise<void> {
  for (const name of names) await client.cameras.update(name, { targetFps });
}

/** Every frame that a camera's run inferred by the ledger is stored once, and the subscriber was given what is stored, once and in order. */
async function expectNothingLostOrDoubled(): Promise<void> {
  await setFps(0.02);
  try {
    await vi.waitFor(
      async () => {
        const ids = (await storedResults(system.natsAccess)).map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        for (const name of names) {
          // The metrics are of the run that is going on: a camera that an ingest lost to the other began another.
          const { epoch } = (await system.camera(name)).status;
          const { captured, inferred, dropped, inFlight } = await system.ledger(name);
          expect(captured).toBe(inferred + dropped + inFlight);
          expect(
            ids.filter((id) => id.startsWith(`${name}:${epoch}:`)),
            name,
          ).toHaveLength(inferred);
        }
        expect(received).toEqual(await storedEvents(system.natsAccess));
      },
      { timeout: 120_000, interval: 1_000 },
    );
  } finally {
    await setFps(1);
  }
}

test("every stream and bucket has a copy on each server", async () => {
  const { connection, manager } = await connectNats(
    system.natsAccess,
    "operator",
    createLogger("test", "fatal"),
  );
  for await (const { config, cluster } of manager.streams.list()) {
    expect(config.num_replicas, config.name).toBe(3);
    expect(cluster?.replicas, config.name).toHaveLength(2);
  }
  await connection.close();
});

test("both processes of a service have work", async () => {
  const { second } = system.stack.cluster!;
  for (const ports of [system.ports, second]) {
    const text = await (await fetch(`http://127.0.0.1:${ports.ingest}/metrics`)).text();
    expect(text).toMatch(/sightline_frames_captured_total\{[^\n]* [1-9]/);
  }
});

test("each NATS server is killed in turn: all goes on, nothing is lost or doubled", async () => {
  for (const node of nodes) {
    await system.stack.restartNats("SIGKILL", undefined, node);
    await everyCameraIsAnalysed();
  }
  await expectNothingLostOrDoubled();
}, 400_000);

test.skipIf(isOldNats)(
  "a NATS server is frozen for longer than the others wait for it: all goes on, nothing is lost or doubled",
  async () => {
    const { child } = system.stack.process(natsNodeName(0));
    child.kill("SIGSTOP");
    try {
      await delay(12_000);
      await everyCameraIsAnalysed();
    } finally {
      child.kill("SIGCONT");
    }
    await everyCameraIsAnalysed();
    await expectNothingLostOrDoubled();
  },
  400_000,
);

test("one of two of results, of the analysis and of ingest are killed: their work is taken over, and shared again when they are back", async () => {
  const killed = ["results", "analysis", "ingest"].map((name) => system.stack.process(name));
  for (const { child, exited } of killed) {
    child.kill("SIGKILL");
    await exited;
  }
  await everyCameraIsAnalysed();
  // Those that come back get their share again.
  for (const process of killed) await system.stack.startAgain(process);
  const { second } = system.stack.cluster!;
  const shares = async (name: "analysis" | "ingest", metric: string) => {
    const scrapes = [system.ports[name], second[name]].map((port) => Scrape.of(`127.0.0.1:${port}`));
    return (await Promise.all(scrapes)).map((scrape) => scrape.sum(metric) ?? 0);
  };
  const patient = { timeout: 60_000 };
  await expect.poll(() => shares("analysis", "sightline_analysis_cameras"), patient).toEqual([6, 6]);
  await expect.poll(() => shares("ingest", "sightline_ingest_cameras"), patient).toEqual([6, 6]);
  await everyCameraIsAnalysed();
  await expectNothingLostOrDoubled();
}, 400_000);
