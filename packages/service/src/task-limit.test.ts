import { expect, test } from "vitest";
import { TaskLimitError } from "./errors.ts";
import { TaskLimit } from "./task-limit.ts";

test("runs so many at a time, lets so many wait in turn, and refuses the rest", async () => {
  const limit = new TaskLimit(2, 3);
  const started: number[] = [];
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<number>());
  const runs = gates.map((gate, i) =>
    limit.run(() => {
      started.push(i);
      return gate.promise;
    }),
  );
  await expect(runs[5]).rejects.toThrow(TaskLimitError);
  expect(started).toEqual([0, 1]);
  gates[1]!.resolve(1);
  await runs[1];
  await expect.poll(() => started).toEqual([0, 1, 2]);
  gates[0]!.reject(new Error("a task that fails"));
  await expect(runs[0]).rejects.toThrow("a task that fails");
  for (const [i, gate] of gates.entries()) gate.resolve(i);
  expect(await Promise.all(runs.slice(1, 5))).toEqual([1, 2, 3, 4]);
  expect(started).toEqual([0, 1, 2, 3, 4]);
  expect(await limit.run(async () => "free again")).toBe("free again");
});
