import { expect, test } from "vitest";
import { TaskLimitError } from "./errors.ts";
import { abortable, pause, TaskLimit, untilAborted } from "./tasks.ts";

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

test("waiting ends with the signal: a pause quietly, a promise with the signal's reason", async () => {
  const stop = new AbortController();
  const never = new Promise<string>(() => {});
  const waits = Promise.all([pause(60_000, stop.signal), untilAborted(stop.signal)]);
  const result = abortable(never, stop.signal);
  stop.abort(new Error("stopped"));
  await waits;
  await expect(result).rejects.toThrow("stopped");
  await Promise.all([pause(60_000, stop.signal), untilAborted(stop.signal)]);
  await expect(abortable(never, stop.signal)).rejects.toThrow("stopped");
});

test("a promise that is faster than the signal gives what it has, also an error", async () => {
  const { signal } = new AbortController();
  expect(await abortable(Promise.resolve("done"), signal)).toBe("done");
  await expect(abortable(Promise.reject(new Error("broken")), signal)).rejects.toThrow("broken");
});
