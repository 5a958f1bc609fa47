import type { HttpAnalysedFrame } from "@sightline/contracts";
import { expect, it, vi } from "vitest";
import { type PageSource, PastDetections } from "./past-detections.ts";

/** For a machine that is busy with other tests. */
const patience = { timeout: 30_000 };

const startMs = 1_764_000_000_000;
const frame = (ms: number): HttpAnalysedFrame => ({
  ...{ camera: "front", epoch: "e", number: ms, captureTimeMs: startMs + ms, detections: [] },
});

/** Pages of what a camera's frames are: four a second for two minutes, then none for an hour, then some more. */
const kept = [
  ...Array.from({ length: 480 }, (_, i) => frame(i * 250)),
  ...Array.from({ length: 40 }, (_, i) => frame(3_720_000 + i * 250)),
];
const pageSize = 40;

function detections(source?: PageSource) {
  const asked: { fromMs: number; token: string }[] = [];
  let fault: unknown;
  const pages: PageSource = async (from, token, signal) => {
    asked.push({ fromMs: from - startMs, token });
    if (source) return source(from, token, signal);
    const later = kept.filter(({ captureTimeMs }) => captureTimeMs >= from);
    const at = Number(token);
    const more = at + pageSize < later.length;
    return { frames: later.slice(at, at + pageSize), nextPageToken: more ? String(at + pageSize) : "" };
  };
  const past = new PastDetections(pages, (failed) => {
    fault = failed;
  });
  return { past, asked, fault: () => fault };
}

it("gives a picture the boxes of its own frame, and fetches them page by page ahead of it", async () => {
  const { past, asked } = detections();
  past.want(startMs + 30_000);
  expect(past.knowledge(startMs + 30_000)).toBe("unknown");
  await vi.waitFor(() => expect(past.at(startMs + 45_000)?.number).toBe(45_000), patience);
  expect(past.at(startMs + 30_000)?.number).toBe(30_000);
  expect(past.at(startMs + 30_248)?.number).toBe(30_000);
  // No more than is soon shown.
  expect(asked).toEqual([
    { fromMs: 29_000, token: "" },
    { fromMs: 29_000, token: "40" },
  ]);
  past.want(startMs + 33_000);
  expect(asked).toHaveLength(2);
  past.want(startMs + 40_000);
  await vi.waitFor(() => expect(asked).toHaveLength(3), patience);
  past.stop();
});

it("begins anew where somebody jumps to, and forgets what was shown long ago", async () => {
  const { past, asked } = detections();
  past.want(startMs + 10_000);
  await vi.waitFor(() => expect(past.at(startMs + 20_000)).toBeDefined(), patience);
  past.want(startMs + 100_000);
  await vi.waitFor(() => expect(past.at(startMs + 100_000)?.number).toBe(100_000), patience);
  expect(asked.at(-1)?.fromMs).toBe(99_000);
  expect(past.at(startMs + 20_000)).toBeUndefined();
  past.want(startMs + 20_000);
  await vi.waitFor(() => expect(past.at(startMs + 20_000)?.number).toBe(20_000), patience);
  past.stop();
});

it("says of a time of which nothing is kept that it is so", async () => {
  const { past } = detections();
  past.want(startMs + 1_800_000);
  await vi.waitFor(() => expect(past.knowledge(startMs + 1_800_000)).toBe("none"), patience);
  expect(past.at(startMs + 1_800_000)).toBeUndefined();
  expect(past.knowledge(startMs + 3_720_000)).toBe("known");
  past.stop();
});

it("tells of what fails, and asks again", async () => {
  let failing = true;
  const { past, asked, fault } = detections(async (from) => {
    if (failing) throw new Error("no answer");
    return { frames: kept.filter(({ captureTimeMs }) => captureTimeMs >= from), nextPageToken: "" };
  });
  past.want(startMs + 1_000);
  await vi.waitFor(() => expect(fault()).toEqual(new Error("no answer")), patience);
  failing = false;
  await vi.waitFor(() => expect(past.at(startMs + 1_000)?.number).toBe(1_000), 10_000);
  expect(fault()).toBeUndefined();
  expect(asked).toHaveLength(2);
  past.stop();
});
