import { expect, test } from "vitest";
import { onAbort, waitUnlessAborted } from "./abort.ts";

test("any of the signals is heard, until nobody listens", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const heard: string[] = [];
  const sources = [first.signal, undefined, second.signal];
  onAbort(sources, () => heard.push("stays"));
  const release = onAbort(sources, () => heard.push("leaves"));
  release();
  second.abort();
  expect(heard).toEqual(["stays"]);
});

test("a pause ends with the signal", async () => {
  const abort = new AbortController();
  const paused = waitUnlessAborted(1_000_000, [abort.signal]);
  abort.abort();
  await paused;
  await waitUnlessAborted(1_000_000, [abort.signal]);
});
