import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

const a = { name: "a" };
const b = { name: "b" };

/** Whether a turn has come, once what was promised has been told. */
async function come(turn: Promise<void>): Promise<boolean> {
  return Promise.race([
    turn.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

test("one user alone waits for nothing, two batches at a time included", async () => {
  const turns = new Turns();
  expect(await come(turns.take(a))).toBe(true);
  expect(await come(turns.take(a))).toBe(true);
  turns.leave();
  expect(await come(turns.take(a))).toBe(true);
});

test("a second user goes after what is under way, and the first then waits for it", async () => {
  const turns = new Turns();
  await turns.take(a);
  const second = turns.take(b);
  const again = turns.take(a);
  expect(await come(second)).toBe(false);
  turns.leave();
  expect(await come(second)).toBe(true);
  expect(await come(again)).toBe(false);
  turns.leave();
  expect(await come(again)).toBe(true);
});

test("sessions of one model have its turn together, one batch of each", async () => {
  const turns = new Turns();
  const [left, right] = [{}, {}];
  expect(await come(turns.take(a, left))).toBe(true);
  expect(await come(turns.take(a, right))).toBe(true);
  const other = turns.take(b);
  const [next, behind, beside] = [turns.take(a, left), turns.take(a, left), turns.take(a, right)];
  turns.leave();
  expect(await come(other)).toBe(false);
  turns.leave();
  expect(await come(other)).toBe(true);
  turns.leave();
  expect([await come(next), await come(beside), await come(behind)]).toEqual([true, true, false]);
  turns.leave();
  expect(await come(behind)).toBe(false);
  turns.leave();
  expect(await come(behind)).toBe(true);
});

/** Users that always want more, each with runs of so many milliseconds; gives the time that each has had. */
class Busy {
  now = 0;
  readonly had = new Map<string, number>();
  readonly turns = new Turns<{ name: string; runMs: number }>(() => this.now);
  #running: { name: string; runMs: number }[] = [];

  /** `ahead` requests at a time. */
  add(name: string, runMs: number, ahead: number): void {
    const user = { name, runMs };
    for (let i = 0; i < ahead; i++) void this.#ask(user);
  }

  async until(time: number): Promise<Record<string, number>> {
    while (this.now < time) {
      await new Promise((resolve) => setImmediate(resolve));
      const user = this.#running.shift()!;
      this.now += user.runMs;
      this.had.set(user.name, (this.had.get(user.name) ?? 0) + user.runMs);
      this.turns.leave();
      void this.#ask(user);
    }
    return Object.fromEntries(this.had);
  }

  async #ask(user: { name: string; runMs: number }): Promise<void> {
    await this.turns.take(user);
    this.#running.push(user);
  }
}

test("models get equal shares of time, however long their runs are", async () => {
  const busy = new Busy();
  busy.add("slow", 100, 2);
  busy.add("fast", 10, 2);
  busy.add("middle", 35, 2);
  const had = await busy.until(30_000);
  for (const name of ["slow", "fast", "middle"]) expect(Math.abs(had[name]! - 10_000)).toBeLessThan(250);
});

test("who comes late has no claim to the time before, and keeps nobody waiting longer than its share", async () => {
  const busy = new Busy();
  busy.add("first", 20, 2);
  await busy.until(10_000);
  busy.add("late", 20, 2);
  const before = busy.had.get("first")!;
  const had = await busy.until(12_000);
  expect(Math.abs(had.late! - 1_000)).toBeLessThan(100);
  expect(Math.abs(had.first! - before - 1_000)).toBeLessThan(100);
});

test("one that runs only when nobody else wants to gives way to all, and gives up when that is never so", async () => {
  const turns = new Turns<{ name: string }>(() => 0);
  const [one, two, idle] = [{ name: "one" }, { name: "two" }, { name: "idle" }];
  await turns.take(one);
  const order: string[] = [];
  const soon = turns.takeIdle(idle, 60_000).then((isTurn) => order.push(`idle ${isTurn}`));
  const next = turns.take(two).then(() => order.push("two"));
  expect(await turns.takeIdle({ name: "impatient" }, 0)).toBe(false);
  turns.leave();
  await next;
  turns.leave();
  await soon;
  turns.leave();
  expect(order).toEqual(["two", "idle true"]);
  expect(await turns.takeIdle(idle, 0)).toBe(true);
});
