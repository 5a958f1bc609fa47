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
  turns.leave();
  expect(await come(turns.take("a"))).toBe(true);
});

test("a second user goes after what is under way, and the first then waits for it", async () => {
  const turns = new Turns<string>();
  await turns.take("a");
  const b = turns.take("b");
  const again = turns.take("a");
  expect(await come(b)).toBe(false);
  turns.leave();
  expect(await come(b)).toBe(true);
  expect(await come(again)).toBe(false);
  turns.leave();
  expect(await come(again)).toBe(true);
});
