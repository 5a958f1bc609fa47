import { describe, expect, test } from "vitest";
import { Batcher, type BatcherOptions, type Clock } from "./batcher.ts";

class FakeClock implements Clock {
  time = 0;
  readonly #timers = new Set<{ time: number; callback: () => void }>();

  now(): number {
    return this.time;
  }

  at(time: number, callback: () => void): () => void {
    const timer = { time, callback };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advanceTo(end: number): void {
    for (;;) {
      const due = [...this.#timers].filter(({ time }) => time <= end).sort((a, b) => a.time - b.time)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.time = Math.max(this.time, due.time);
      due.callback();
    }
    this.time = end;
  }
}

/** A batcher whose world is written down: demand as it stands, fetches and batches with their times. */
function setUp({
  batchSize = 4,
  expectedRunMs = () => 100,
  ...options
}: Partial<BatcherOptions<string>> & {
  batchSize?: number;
  expectedRunMs?: (frames: number) => number;
} = {}) {
  const clock = new FakeClock();
  const seen = { demand: 0, fetched: [] as [number, string][], batches: [] as [number, string[]][] };
  const inPlace: string[] = [];
  /** A batch size that a test may change. */
  const sizing = {
    size: batchSize,
    starvedMs: 0,
    runMs: expectedRunMs,
    handedOver() {},
    ran() {},
    starved(ms: number) {
      sizing.starvedMs += ms;
    },
  };
  const batcher = new Batcher<string>({
    sizing,
    maxDelayMs: 10,
    clock,
    demand: (count) => {
      seen.demand = count;
    },
    fetch: (token) => seen.fetched.push([clock.time, token]),
    run: (frames) => seen.batches.push([clock.time, inPlace.splice(0, frames)]),
    ...options,
  });
  const arrive = (...tokens: string[]) => {
    for (const token of tokens) batcher.tokenArrived(token);
  };
  const deliverAfter = (frame: string, fetchMs: number) => {
    inPlace.push(frame);
    batcher.frameReady(fetchMs);
  };
  const deliver = (...frames: string[]) => {
    for (const frame of frames) deliverAfter(frame, 2);
  };
  batcher.start();
  return { clock, seen, sizing, batcher, arrive, deliver, deliverAfter };
}

describe("with an idle session", () => {
  test("asks for a full batch, and fetches each token at once", () => {
    const { seen, arrive } = setUp();
    expect(seen.demand).toBe(4);
    arrive("a");
    expect(seen.demand).toBe(3);
    expect(seen.fetched).toEqual([[0, "a"]]);
  });

  test("runs a full batch without waiting", () => {
    const { seen, arrive, deliver } = setUp();
    arrive("a", "b", "c", "d");
    expect(seen.demand).toBe(0);
    deliver("A", "B", "C");
    expect(seen.batches).toEqual([]);
    deliver("D");
    expect(seen.batches).toEqual([[0, ["A", "B", "C", "D"]]]);
  });

  test("runs what it has when the delay after the first token is over, and stops asking", () => {
    const { clock, seen, arrive, deliver } = setUp();
    clock.advanceTo(50);
    arrive("a");
    clock.advanceTo(52);
    deliver("A");
    clock.advanceTo(55);
    arrive("b");
    clock.advanceTo(57);
    deliver("B");
    clock.advanceTo(59.9);
    expect(seen.batches).toEqual([]);
    clock.advanceTo(60);
    expect(seen.batches).toEqual([[60, ["A", "B"]]]);
    expect(seen.demand).toBe(0);
  });

  test("never runs an empty batch", () => {
    const { clock, seen, batcher, arrive } = setUp();
    arrive("a");
    batcher.frameAbsent();
    clock.advanceTo(1_000);
    expect(seen.batches).toEqual([]);
    expect(seen.demand).toBe(4);
  });

  test("a void token does not start the delay of the next", () => {
    const { clock, seen, batcher, arrive, deliver } = setUp();
    arrive("void");
    batcher.frameAbsent();
    clock.advanceTo(500);
    arrive("a");
    deliver("A");
    clock.advanceTo(509);
    expect(seen.batches).toEqual([]);
    clock.advanceTo(510);
    expect(seen.batches).toEqual([[510, ["A"]]]);
  });

  test("asks anew for what turned out void", () => {
    const { seen, batcher, arrive } = setUp();
    arrive("a", "b", "c", "d");
    batcher.frameAbsent();
    expect(seen.demand).toBe(1);
  });

  test("waits for frames on their way as long as fetching usually takes, but not for a slow one", () => {
    const { clock, seen, arrive, deliver, batcher } = setUp();
    arrive("a", "b");
    deliver("A");
    clock.advanceTo(9);
    expect(seen.batches).toEqual([]);
    clock.advanceTo(10);
    expect(seen.batches).toEqual([[10, ["A"]]]);
    deliver("B");
    batcher.runFinished(100);
    clock.advanceTo(200);
    expect(seen.batches[1]![1]).toEqual(["B"]);
  });

  test("waits beyond the delay when fetching usually takes longer than that", () => {
    const { clock, seen, batcher, arrive, deliver, deliverAfter } = setUp();
    for (let i = 0; i < 40; i++) {
      arrive("a", "b", "c", "d");
      for (const frame of ["A", "B", "C", "D"]) deliverAfter(frame, 30);
      batcher.runFinished(100);
    }
    seen.batches.length = 0;
    const start = clock.time;
    arrive("a", "b");
    clock.advanceTo(start + 12);
    deliver("A");
    clock.advanceTo(start + 20);
    expect(seen.batches).toEqual([]);
    deliver("B");
    expect(seen.batches).toEqual([[start + 20, ["A", "B"]]]);
  });

  test("no delay at all when it is zero", () => {
    const { clock, seen, arrive, deliver } = setUp({ maxDelayMs: 0 });
    arrive("a");
    clock.advanceTo(3);
    deliver("A");
    expect(seen.batches).toEqual([[3, ["A"]]]);
  });

  test("a token more than asked for waits for the next batch", () => {
    const { seen, arrive } = setUp({ batchSize: 1 });
    arrive("a", "surplus");
    expect(seen.fetched).toEqual([[0, "a"]]);
    expect(seen.demand).toBe(0);
  });
});

describe("while a batch runs", () => {
  function running() {
    const world = setUp({ batchSize: 1 });
    // Enough fetches of 2 ms that the estimate has settled.
    for (let i = 0; i < 40; i++) {
      world.arrive(`t${i}`);
      world.deliver(`f${i}`);
      world.clock.advanceTo(world.clock.time + 100);
      world.batcher.runFinished(100);
    }
    world.seen.fetched.length = 0;
    world.seen.batches.length = 0;
    const start = world.clock.time;
    world.arrive("now");
    world.deliver("NOW");
    expect(world.seen.batches).toEqual([[start, ["NOW"]]]);
    world.seen.fetched.length = 0;
    world.seen.batches.length = 0;
    return { ...world, start };
  }

  test("asks for no token until shortly before its end", () => {
    const { clock, seen, start } = running();
    expect(seen.demand).toBe(0);
    clock.advanceTo(start + 90);
    expect(seen.demand).toBe(0);
    clock.advanceTo(start + 97);
    expect(seen.demand).toBe(1);
  });

  test("fetches the next frame so late that it arrives about when the batch ends", () => {
    const { clock, seen, arrive, start } = running();
    clock.advanceTo(start + 96.5);
    arrive("next");
    clock.advanceTo(start + 100);
    const [at] = seen.fetched[0]!;
    expect(at).toBeGreaterThanOrEqual(start + 96.5);
    expect(at).toBeLessThanOrEqual(start + 98);
  });

  test("hands the next batch over before the running one ends, and nothing beyond that", () => {
    const { clock, seen, arrive, deliver, start, batcher } = running();
    clock.advanceTo(start + 98);
    arrive("next");
    deliver("NEXT");
    expect(seen.batches).toEqual([[start + 98, ["NEXT"]]]);
    expect(seen.demand).toBe(0);
    clock.advanceTo(start + 99);
    expect(seen.demand).toBe(0);
    batcher.runFinished(99);
    clock.advanceTo(start + 150);
    expect(seen.demand).toBe(0);
    clock.advanceTo(start + 199);
    expect(seen.demand).toBe(1);
  });

  test("asks earlier when fetching has become slow", () => {
    const { clock, seen, batcher, deliverAfter } = running();
    batcher.runFinished(100);
    for (let i = 0; i < 40; i++) {
      batcher.tokenArrived("slow");
      deliverAfter("SLOW", 30);
      batcher.runFinished(100);
    }
    const start = clock.time;
    batcher.tokenArrived("now");
    deliverAfter("NOW", 30);
    seen.fetched.length = 0;
    clock.advanceTo(start + 45);
    expect(seen.demand).toBe(1);
  });

  test("follows the session's real speed, not only the one measured at start", () => {
    const { clock, seen, batcher, deliverAfter } = running();
    batcher.runFinished(100);
    for (let i = 0; i < 60; i++) {
      batcher.tokenArrived("t");
      deliverAfter("f", 2);
      clock.advanceTo(clock.time + 200);
      batcher.runFinished(200);
    }
    const start = clock.time;
    batcher.tokenArrived("now");
    deliverAfter("NOW", 2);
    clock.advanceTo(start + 150);
    expect(seen.demand).toBe(0);
    clock.advanceTo(start + 198);
    expect(seen.demand).toBe(1);
  });

  test("a batch that is not full waits for the session, and takes what arrives meanwhile", () => {
    const { clock, seen, arrive, deliver, batcher } = setUp({ batchSize: 2 });
    arrive("a", "b");
    deliver("A", "B");
    clock.advanceTo(99);
    arrive("c");
    deliver("C");
    clock.advanceTo(120);
    expect(seen.batches).toHaveLength(1);
    arrive("d");
    deliver("D");
    expect(seen.batches[1]).toEqual([120, ["C", "D"]]);
    batcher.runFinished(120);
    expect(seen.batches).toHaveLength(2);
  });

  test("a batch that is not full goes as soon as the session is idle, when its delay is over", () => {
    const { clock, seen, arrive, deliver, batcher } = setUp({ batchSize: 2 });
    arrive("a", "b");
    deliver("A", "B");
    clock.advanceTo(99);
    arrive("c");
    deliver("C");
    clock.advanceTo(130);
    batcher.runFinished(130);
    expect(seen.batches[1]).toEqual([130, ["C"]]);
  });
});

describe("pausing and draining", () => {
  test("a paused batcher asks for nothing, returns its tokens and keeps its frames", () => {
    const { clock, seen, arrive, deliver, batcher } = setUp({ batchSize: 2 });
    arrive("a", "b", "surplus");
    deliver("A");
    expect(batcher.pause()).toEqual(["surplus"]);
    deliver("B");
    clock.advanceTo(1_000);
    expect(seen).toMatchObject({ demand: 0, batches: [] });
    batcher.resume();
    expect(seen.batches).toEqual([[1_000, ["A", "B"]]]);
    expect(seen.demand).toBe(0);
  });

  test("batches that failed make room again", () => {
    const { seen, arrive, deliver, batcher } = setUp({ batchSize: 1 });
    arrive("a");
    deliver("A");
    batcher.pause();
    batcher.runFinished(undefined);
    batcher.resume();
    expect(seen.demand).toBe(1);
  });

  test("a draining batcher runs what is here and on its way at once, and ends idle", () => {
    const { seen, arrive, deliver, batcher } = setUp();
    arrive("a", "b");
    deliver("A");
    expect(batcher.drain()).toEqual([]);
    expect(seen.batches).toEqual([]);
    deliver("B");
    expect(seen.batches).toEqual([[0, ["A", "B"]]]);
    expect(batcher.idle).toBe(false);
    batcher.runFinished(100);
    expect(batcher.idle).toBe(true);
    expect(seen.demand).toBe(0);
  });

  test("a draining batcher returns the tokens that it has not used", () => {
    const { batcher, arrive, deliver } = setUp({ batchSize: 1 });
    arrive("a", "b", "c");
    deliver("A");
    expect(batcher.drain()).toEqual(["b", "c"]);
  });
});

test("where fetching takes longer than a run, the batch after the next is on its way too", () => {
  const { clock, seen, arrive, batcher, deliverAfter } = setUp({ batchSize: 2, expectedRunMs: () => 5 });
  for (let i = 0; i < 40; i++) {
    arrive("a", "b");
    deliverAfter("A", 20);
    deliverAfter("B", 20);
    clock.advanceTo(clock.time + 5);
    batcher.runFinished(5);
  }
  expect(seen.demand).toBe(4);
  arrive("a", "b", "c", "d");
  expect(seen.demand).toBe(0);
  deliverAfter("A", 20);
  deliverAfter("B", 20);
  expect(seen.demand).toBe(2);
});

test.each([
  ["one batch, where a run takes longer than fetching", 100, 3],
  ["two batches, where fetching takes longer", 2, 6],
])("at every moment no more is wanted, on its way and in hand together than %s", (_, runMs, most) => {
  const { clock, seen, batcher, deliverAfter } = setUp({ batchSize: 3, expectedRunMs: () => runMs });
  let fetching = 0;
  let ready = 0;
  let random = 1;
  const next = (n: number) => {
    random = (random * 48_271) % 2_147_483_647;
    return random % n;
  };
  let ran = 0;
  let finished = 0;
  for (let i = 0; i < 5_000; i++) {
    const before = seen.fetched.length;
    const choice = next(5);
    if (choice === 0 && seen.demand > 0) batcher.tokenArrived("t");
    else if (choice === 1 && fetching > 0) {
      fetching--;
      ready++;
      deliverAfter("f", next(10));
    } else if (choice === 2 && fetching > 0) {
      fetching--;
      batcher.frameAbsent();
    } else if (choice === 3 && ran > finished) {
      finished++;
      batcher.runFinished(runMs * (0.5 + next(100) / 100));
    } else clock.advanceTo(clock.time + next(20));
    fetching += seen.fetched.length - before;
    for (const [, frames] of seen.batches.splice(0)) {
      ran++;
      ready -= frames.length;
      expect(frames.length).toBeGreaterThan(0);
    }
    expect(fetching + ready + seen.demand).toBeLessThanOrEqual(most);
    expect(ready).toBeLessThanOrEqual(3);
    expect(fetching + ready).toBeGreaterThanOrEqual(0);
    expect(ran - finished).toBeLessThanOrEqual(2);
  }
  expect(ran).toBeGreaterThan(50);
});

describe("a size that changes", () => {
  test("a larger batch is assembled from the next one on", () => {
    const { seen, sizing, batcher, arrive, deliver } = setUp({ batchSize: 1 });
    arrive("a");
    sizing.size = 2;
    deliver("A");
    batcher.runFinished(100);
    arrive("b", "c");
    deliver("B");
    expect(seen.batches).toEqual([[0, ["A"]]]);
    deliver("C");
    expect(seen.batches).toEqual([
      [0, ["A"]],
      [0, ["B", "C"]],
    ]);
  });

  test("a batch that has frames on their way keeps their places when the size becomes smaller", () => {
    const { clock, seen, sizing, batcher, arrive, deliverAfter } = setUp({ expectedRunMs: () => 5 });
    arrive("a", "b", "c", "d");
    for (const frame of ["A", "B", "C", "D"]) deliverAfter(frame, 50);
    arrive("e", "f", "g", "h");
    sizing.size = 2;
    clock.advanceTo(1);
    for (const frame of ["E", "F", "G", "H"]) deliverAfter(frame, 50);
    expect(seen.batches.map(([, frames]) => frames.length)).toEqual([4, 4]);
    batcher.runFinished(5);
    batcher.runFinished(5);
    arrive("i", "j");
    deliverAfter("I", 50);
    deliverAfter("J", 50);
    expect(seen.batches.at(-1)![1]).toEqual(["I", "J"]);
  });
});

test("tells for how long there was neither a token nor anything to run", () => {
  const { clock, sizing, batcher, arrive, deliver } = setUp({ batchSize: 1 });
  clock.advanceTo(30);
  arrive("a");
  deliver("A");
  clock.advanceTo(130);
  expect(sizing.starvedMs).toBe(30);
  batcher.runFinished(100);
  clock.advanceTo(137);
  arrive("b");
  expect(sizing.starvedMs).toBe(37);
});
