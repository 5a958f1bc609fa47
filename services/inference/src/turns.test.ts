import { expect, test } from "vitest";
import { Turns } from "./turns.ts";

/** Whether a turn has come, once what was promised has been told. */
async function come(turn: Promise<void>): Promise<boolean> {
  return Promise.race([
    turn.then(() => true),
    new Promise<boolean>((resolve) => setImmediate(resolve, false)),
  ]);
}

test("one user alone waits for nothing, two batches at a time included", async () => {
  const turns = new Turns<string>();
  expect(await come(turns.take("a"))).toBe(true);
  expect(await come(turns.take("a"))).toBe(true);
  turns.leave("a", 10);
  expect(await come(turns.take("a"))).toBe(true);
});

test("a second user goes after what is under way, and the first then waits for it", async () => {
  const turns = new Turns<string>();
  await turns.take("a");
  const b = turns.take("b");
  const again = turns.take("a");
  expect(await come(b)).toBe(false);
  turns.leave("a", 10);
  expect(await come(b)).toBe(true);
  expect(await come(again)).toBe(false);
  turns.leave("b", 10);
  expect(await come(again)).toBe(true);
});

test("time is shared evenly between small and large runs, and who was idle is owed nothing", async () => {
  const turns = new Turns<string>();
  const spent = { small: 0, large: 0, late: 0 };
  const took = { small: 1, large: 10, late: 1 };
  const order: (keyof typeof spent)[] = [];
  const waiting = new Set<string>();
  const ask = (user: keyof typeof spent) => {
    waiting.add(user);
    void turns.take(user).then(() => {
      waiting.delete(user);
      order.push(user);
    });
  };
  const run = async (rounds: number, users: readonly (keyof typeof spent)[]) => {
    for (let i = 0; i < rounds; i++) {
      for (const user of users) if (!waiting.has(user) && order[0] !== user) ask(user);
      await come(Promise.resolve());
      const user = order.shift()!;
      spent[user] += took[user];
      turns.leave(user, took[user]);
      await come(Promise.resolve());
    }
  };
  await run(220, ["small", "large"]);
  expect(spent.small / spent.large).toBeGreaterThan(0.9);
  expect(spent.small / spent.large).toBeLessThan(1.1);
  const before = { ...spent };
  await run(120, ["small", "large", "late"]);
  // It does not make up for the time before it came.
  expect(spent.late).toBeLessThan(1.5 * (spent.small - before.small) + 10);
  expect(spent.small).toBeGreaterThan(before.small);
});
