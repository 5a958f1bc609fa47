import { TimeoutError } from "@nats-io/transport-node";
import { createLogger, ServiceError } from "@sightline/service";
import { expect, test } from "vitest";
import { TimelineError } from "./errors.ts";
import { Stall } from "./stall.ts";

test("failing again and again in one place is told once it lasts, and so is going on", () => {
  let now = 0;
  const told: (string | undefined)[] = [];
  const stall = new Stall(
    createLogger("test", "fatal"),
    (reason) => told.push(reason),
    () => now,
  );
  const fail = () => stall.failed(new Error("wrong last sequence: 0"));
  expect([fail(), fail(), fail(), fail()]).toEqual([250, 500, 1_000, 2_000]);
  expect(stall.stalled).toBe(false);
  now = 5_000;
  expect(fail()).toBe(4_000);
  expect([stall.stalled, told]).toEqual([true, ["wrong last sequence: 0"]]);
  stall.progress();
  expect([stall.stalled, told.at(-1)]).toEqual([false, undefined]);
  // What goes on in between is none, however often it fails.
  for (let i = 0; i < 20; i++) {
    now += 1_000;
    fail();
    stall.progress();
  }
  expect(told).toHaveLength(2);
});

test("a damaged stream is told at once, and until it can be read; it need not be written to for that", () => {
  const told: (string | undefined)[] = [];
  const stall = new Stall(createLogger("test", "fatal"), (reason) => told.push(reason));
  expect(stall.failed(new TimelineError("stream_damaged", "its files are damaged"))).toBe(1_000);
  expect([stall.stalled, told]).toEqual([true, ["its files are damaged"]]);
  // While the stream is created again.
  stall.failed(new Error("stream not found"));
  expect([stall.stalled, told]).toEqual([true, ["its files are damaged"]]);
  stall.readable();
  expect([stall.stalled, told.at(-1)]).toEqual([false, undefined]);
  // That it can be read proves nothing about what fails for another reason.
  stall.failed(new Error("wrong last sequence: 0"));
  stall.readable();
  expect(stall.failed(new Error("wrong last sequence: 0"))).toBe(500);
});

test("what gives no answer is tried again soon, however often it gave none", () => {
  const stall = new Stall(
    createLogger("test", "fatal"),
    () => {},
    () => 0,
  );
  const interruptions = [
    new TimeoutError(),
    new TimelineError("interrupted", "the lease is no longer held"),
    new ServiceError("no_answer", "the stream TIMELINE could not be read to its end"),
  ];
  const pauses = Array.from({ length: 6 }, (_, at) => stall.failed(interruptions[at % 3]!));
  expect(new Set(pauses)).toEqual(new Set([250]));
  // The first failure of another kind is the first.
  expect(stall.failed(new Error("wrong last sequence: 0"))).toBe(250);
});
