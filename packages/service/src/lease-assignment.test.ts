import { setTimeout as delay } from "node:timers/promises";
import { leaseTtlMs } from "@sightline/contracts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Announcement } from "./announcement.ts";
import { type Buckets, openBuckets } from "./buckets.ts";
import { KvMirror } from "./kv-mirror.ts";
import { LeaseAssignment } from "./lease-assignment.ts";
import type { LeasedWork, LeaseEnd } from "./lease-handover.ts";
import { LeaseSession, sessionKey } from "./lease-session.ts";
import { presenceKey } from "./lease-view.ts";
import { createLogger } from "./log.ts";
import { connectNats, type Nats } from "./nats.ts";
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

async function mirror(bucket: Buckets["cameras"], ttlMs?: number, at = nats): Promise<KvMirror<string>> {
  const made = new KvMirror<string>(at, bucket, (data) => new TextDecoder().decode(data), log, ttlMs);
  await made.start();
  return made;
}

/** What work on a camera does before it has begun and has ended. */
interface Work {
  begins?: () => Promise<void>;
  ends?: () => Promise<void>;
  /** Whether it gets ready for a camera that another has; where there is none, it knows nothing of that. */
  readies?: (camera: string) => Promise<boolean>;
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
  /** Cameras that it is ready for, and that it began with being ready. */
  readonly ready = new Set<string>();
  readonly begunReady: string[] = [];
  readonly assignment: LeaseAssignment<string, LeasedWork>;
  readonly #presence: Announcement;
  readonly #leases: KvMirror<string>;
  readonly #at: Nats;

  /** `at`: its own connection, where it is to have one. */
  static async start(name: string, work: Work = {}, at = nats): Promise<Process> {
    const own = at === nats ? buckets : await openBuckets(at.kv);
    const leases = await mirror(own.leases, leaseTtlMs, at);
    const process = new Process(name, at, own, leases, await mirror(own.holders, undefined, at), work);
    open.push(process);
    await process.#presence.start();
    process.assignment.start();
    return process;
  }

  private constructor(
    name: string,
    at: Nats,
    own: Buckets,
    leases: KvMirror<string>,
    holders: KvMirror<string>,
    work: Work,
  ) {
    this.#at = at;
    this.#presence = new Announcement(own.leases, presenceKey("there", name), () => "present", log);
    this.#leases = leases;
    const { readies } = work;
    const run = (camera: string) => {
      this.running.add(camera);
      return {
        leave: () => readies !== undefined,
        seal: async (why: LeaseEnd) => {
          this.running.delete(camera);
          this.ends.push([camera, why]);
        },
        stop: async () => work.ends?.(),
      };
    };
    this.assignment = new LeaseAssignment(
      {
        ...{ records, holders, leases, kind: "camera", presence: "there" },
        session: new LeaseSession(at, own, "camera", log),
        begin: async (camera) => {
          await work.begins?.();
          return run(camera);
        },
        ...(readies && {
          handover: {
            nats: at,
            prepare: async (camera) => {
              this.ready.add(camera);
              const ready = readies(camera);
              const begin = () => {
                this.ready.delete(camera);
                this.begunReady.push(camera);
                return run(camera);
              };
              return { ready, isNear: false, begin, stop: async () => void this.ready.delete(camera) };
            },
          },
        }),
      },
      log,
    );
  }

  /** Returns when it knows of so many processes, itself among them. */
  async knows(count: number): Promise<void> {
    const sessions = () => this.#leases.keys().filter((key) => key.startsWith(sessionKey("camera", "")));
    await expect.poll(() => sessions().length, { interval: 10 }).toBe(count);
  }

  async stop(): Promise<void> {
    await this.#presence.stop(true);
    await this.assignment.stop();
  }

  /** It cannot reach NATS any more: to the others it is dead when its lease has expired. */
  async cutOff(): Promise<void> {
    await this.#at.connection.close();
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

const able: Work = { readies: async () => true };

test("who joins gets ready for its share before that is let go, and so do those that stay when one leaves", async () => {
  await register(6);
  const first = await Process.start("first", able);
  await expect.poll(() => shares(first), patient).toEqual([6]);
  const second = await Process.start("second", able);
  while (second.running.size < 3) {
    expect(first.running.intersection(second.running).size).toBe(0);
    await delay(2);
  }
  expect(second.begunReady).toHaveLength(3);
  await second.stop();
  await expect.poll(() => shares(first), patient).toEqual([6]);
  expect(first.begunReady.toSorted()).toEqual(second.begunReady.toSorted());
  expect(second.ends.map(([, why]) => why)).toEqual(Array(3).fill("released"));
});

test("what another cannot get ready for while it is held is let go first and taken then", async () => {
  await register(2);
  const first = await Process.start("first", able);
  await expect.poll(() => shares(first), patient).toEqual([2]);
  const second = await Process.start("second", { readies: async () => false });
  await expect.poll(() => shares(first, second), patient).toEqual([1, 1]);
  expect(second.begunReady).toEqual([]);
  expect([...second.ready]).toEqual([]);
});

test("who is not ready in time goes on getting ready when the thing is let go, and does not begin anew", async () => {
  await register(1);
  const leaving = await Process.start("leaving", able);
  await expect.poll(() => shares(leaving), patient).toEqual([1]);
  const asked = Promise.withResolvers<void>();
  const readies = () => {
    asked.resolve();
    return new Promise<boolean>(() => {});
  };
  const staying = await Process.start("staying", { readies, ...refusing });
  await leaving.knows(2);
  await Promise.all([leaving.stop(), asked.promise]);
  await expect.poll(() => shares(staying), patient).toEqual([1]);
  expect(staying.begunReady).toEqual(["c1"]);
});

test("one that does not answer, as it stops itself, leaves it to the next to get ready", async () => {
  await register(1);
  const leaving = await Process.start("leaving", able);
  await expect.poll(() => shares(leaving), patient).toEqual([1]);
  // The first to be asked: all have nothing, and it was there before.
  await Process.start("deaf");
  await leaving.knows(2);
  const staying = await Process.start("staying", able);
  await leaving.knows(3);
  await leaving.stop();
  await expect.poll(() => shares(staying), patient).toEqual([1]);
  expect(staying.begunReady).toEqual(["c1"]);
});

test("who leaves is given nothing, however long it takes to hand over what it has", async () => {
  await register(4);
  const leaving = await Process.start("leaving", able);
  await expect.poll(() => shares(leaving), patient).toEqual([4]);
  // The first that it is asked for is ready at once, and the others are not for longer than it takes to see that shares are uneven.
  let asked = 0;
  const readies = async () => {
    if (asked++ > 2) await delay(5_000);
    return true;
  };
  const staying = await Process.start("staying", { readies });
  await expect.poll(() => shares(leaving, staying), patient).toEqual([2, 2]);
  await delay(2_500);
  await leaving.stop();
  await expect.poll(() => shares(staying), patient).toEqual([4]);
  expect(staying.ends).toEqual([]);
});

test("who leaves with many things hands over a few at a time, and all of them", async () => {
  await register(20);
  const leaving = await Process.start("leaving", able);
  await expect.poll(() => shares(leaving), patient).toEqual([20]);
  let [now, most] = [0, 0];
  const readies = async () => {
    most = Math.max(most, ++now);
    await delay(100);
    now -= 1;
    return true;
  };
  const staying = await Process.start("staying", { readies });
  await leaving.knows(2);
  await leaving.stop();
  await expect.poll(() => shares(staying), patient).toEqual([20]);
  expect(staying.begunReady).toHaveLength(20);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThan(20);
});

test("who stops while NATS is away stops all the same", async () => {
  await register(1);
  const alone = await Process.start("alone", able);
  await expect.poll(() => shares(alone), patient).toEqual([1]);
  await server.down("SIGKILL");
  const stopped = await Promise.race([alone.assignment.stop().then(() => true), delay(15_000, false)]);
  await server.up();
  expect(stopped).toBe(true);
});

test("a thing that comes back because its taker died was not refused: that one gets its share when it is there again", async () => {
  await register(2);
  const first = await Process.start("first");
  await expect.poll(() => shares(first), patient).toEqual([2]);
  const second = await Process.start("second", {}, await connectNats(server.url, "second", log));
  await expect.poll(() => shares(first, second), patient).toEqual([1, 1]);
  await second.cutOff();
  await expect.poll(() => shares(first), patient).toEqual([2]);
  const third = await Process.start("third");
  await expect.poll(() => shares(first, third), patient).toEqual([1, 1]);
});

test("a process of an earlier version, which gets ready for nothing, gives to one of this and takes from it", async () => {
  await register(4);
  const earlier = await Process.start("earlier");
  await expect.poll(() => shares(earlier), patient).toEqual([4]);
  const present = await Process.start("present", able);
  await expect.poll(() => shares(earlier, present), patient).toEqual([2, 2]);
  await earlier.stop();
  await expect.poll(() => shares(present), patient).toEqual([4]);
  const another = await Process.start("another");
  await present.knows(2);
  await present.stop();
  await expect.poll(() => shares(another), patient).toEqual([4]);
  expect(present.begunReady).toEqual([]);
});
