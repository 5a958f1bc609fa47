import { setTimeout as delay } from "node:timers/promises";
import { leaseTtlMs } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Announcement } from "./announcement.ts";
import { KvMirror } from "./kv-mirror.ts";
import { LeaseAssignment, type LeaseEnd, presenceKey } from "./lease-assignment.ts";
import { LeaseSession } from "./lease-session.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
import { type Buckets, openBuckets } from "./provision.ts";
import { NatsServer } from "./testing/nats-server.ts";

const log = createLogger("test", "fatal");
const patient = { timeout: 20_000 };
let server: NatsServer;
let nats: Nats;
let buckets: Buckets;
let records: KvMirror<string>;
let open: Process[];

beforeEach(async () => {
  server = await NatsServer.start();
  nats = await connectNats(server.url, "test", log);
  buckets = await openBuckets(nats.kv);
  records = await mirror(buckets.cameras);
  open = [];
});
afterEach(async () => {
  await Promise.all(open.map((process) => process.stop()));
  await nats.connection.close();
  await server.stop();
});

async function mirror(bucket: Buckets["cameras"], ttlMs?: number): Promise<KvMirror<string>> {
  const made = new KvMirror<string>(nats, bucket, (data) => new TextDecoder().decode(data), log, ttlMs);
  await made.start();
  return made;
}

/** What work on a camera does before it has begun and has ended. */
interface Work {
  begins?: () => Promise<void>;
  ends?: () => Promise<void>;
}

const refusing: Work = {
  begins: async () => {
    throw new Error("it does not work here");
  },
};

/** One that shares the cameras with others, as a process does. */
class Process {
  /** What it was told at the end of each camera's work. */
  readonly ends: [string, LeaseEnd][] = [];
  readonly running = new Set<string>();
  readonly assignment: LeaseAssignment<string, { stop(why: LeaseEnd): Promise<void> }>;
  readonly #presence: Announcement;

  static async start(name: string, work: Work = {}): Promise<Process> {
    const process = new Process(
      name,
      await mirror(buckets.leases, leaseTtlMs),
      await mirror(buckets.holders),
      work,
    );
    open.push(process);
    await process.#presence.start();
    process.assignment.start();
    return process;
  }

  private constructor(name: string, leases: KvMirror<string>, holders: KvMirror<string>, work: Work) {
    this.#presence = new Announcement(buckets.leases, presenceKey("there", name), () => "present", log);
    this.assignment = new LeaseAssignment(
      {
        ...{ records, holders, leases, kind: "camera", presence: "there" },
        session: new LeaseSession(nats.manager, buckets, "camera", log),
        begin: async (camera) => {
          await work.begins?.();
          this.running.add(camera);
          return {
            stop: async (why) => {
              await work.ends?.();
              this.running.delete(camera);
              this.ends.push([camera, why]);
            },
          };
        },
      },
      log,
    );
  }

  async stop(): Promise<void> {
    await this.#presence.stop(true);
    await this.assignment.stop();
  }
}

async function register(count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await buckets.cameras.put(`c${i}`, "camera");
  await expect.poll(() => records.keys().length).toBe(count);
}

const shares = (...processes: Process[]) => processes.map(({ running }) => running.size);

test("who joins gets its share; nothing is moved but that, and nothing is held twice", async () => {
  await register(12);
  const first = await Process.start("first");
  await expect.poll(() => shares(first), patient).toEqual([12]);
  const second = await Process.start("second");
  while (second.running.size < 6) {
    expect(first.running.intersection(second.running).size).toBe(0);
    await delay(5);
  }
  await delay(3_000);
  expect(shares(first, second)).toEqual([6, 6]);
  expect(first.ends.map(([, why]) => why)).toEqual(Array(6).fill("handed over"));
  expect(second.ends).toEqual([]);
});

test("who leaves in good order leaves at once: the others have its things before a lease expires", async () => {
  await register(6);
  const staying = await Process.start("staying");
  const leaving = await Process.start("leaving");
  await expect.poll(() => shares(staying, leaving), patient).toEqual([3, 3]);
  const left = performance.now();
  await leaving.stop();
  await expect.poll(() => shares(staying), { interval: 10 }).toEqual([6]);
  expect(performance.now() - left).toBeLessThan(leaseTtlMs);
  expect(leaving.ends.map(([, why]) => why)).toEqual(Array(3).fill("released"));
});

test("what nobody else can do is taken back, and not handed over again soon", async () => {
  await register(4);
  const able = await Process.start("able");
  await expect.poll(() => shares(able), patient).toEqual([4]);
  await Process.start("unable", refusing);
  await expect.poll(() => able.ends.length, patient).toBeGreaterThan(0);
  await expect.poll(() => shares(able), patient).toEqual([4]);
  const handedOver = able.ends.length;
  await delay(4_000);
  expect(able.ends.length).toBe(handedOver);
});

test("who stops while work begins has ended it when he has stopped", async () => {
  await register(1);
  const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const slow = await Process.start("slow", {
    begins: async () => {
      begun.resolve();
      await goOn.promise;
    },
    ends: () => delay(50),
  });
  await begun.promise;
  const stopped = slow.assignment.stop();
  goOn.resolve();
  await stopped;
  expect(slow.ends).toEqual([["c1", "released"]]);
});
