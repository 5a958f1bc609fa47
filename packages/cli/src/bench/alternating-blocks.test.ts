import { expect, test } from "vitest";
import { quantile, timeInBlocks } from "./alternating-blocks.ts";

test("runs subjects in alternating blocks, the first run of each untimed", async () => {
  const order: string[] = [];
  const subject = (name: string) => ({ run: async () => order.push(name) });
  const blocks: number[] = [];
  const times = await timeInBlocks([subject("a"), subject("b")], {
    rounds: 2,
    blockMs: 0,
    signal: new AbortController().signal,
    onBlock: (done) => blocks.push(done),
  });
  expect(order.join("")).toBe("aaabbbaaabbb");
  expect(times.map(({ ms }) => ms.length)).toEqual([4, 4]);
  expect(blocks).toEqual([1, 2, 3, 4]);
});

test("a subject that measures itself takes its turn among those that are run here", async () => {
  const order: string[] = [];
  const subjects = [
    { run: async () => order.push("here") },
    {
      timeBlock: async (blockMs: number) => {
        order.push(`there for ${blockMs} ms`);
        return [
          { ms: 3, cpuMs: 4 },
          { ms: 1, cpuMs: 5 },
        ];
      },
    },
  ];
  const times = await timeInBlocks(subjects, { rounds: 2, blockMs: 0, signal: new AbortController().signal });
  const here = ["here", "here", "here"];
  expect(order).toEqual([...here, "there for 0 ms", ...here, "there for 0 ms"]);
  expect(times[1]).toEqual({ ms: [1, 1, 3, 3], cpuMs: [4, 4, 5, 5] });
});

test("stops between runs when asked to", async () => {
  const controller = new AbortController();
  const subject = { run: async () => controller.abort(new Error("stopped")) };
  const options = { rounds: 9, blockMs: 0, signal: controller.signal };
  await expect(timeInBlocks([subject], options)).rejects.toThrow("stopped");
});

test("takes quantiles from what was measured", () => {
  const values = Array.from({ length: 20 }, (_, i) => i + 1);
  expect(quantile(values, 0.5)).toBe(10);
  expect(quantile(values, 0.95)).toBe(19);
  expect(quantile([7], 0.95)).toBe(7);
});
