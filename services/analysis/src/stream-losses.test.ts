import { type FramesLost, streams } from "@sightline/contracts";
import { ensureStreams } from "@sightline/service";
import { afterEach, beforeEach, expect, test } from "vitest";
import { AnalysisRig, retention } from "./testing/analysis-rig.ts";
import { sceneFrame, sceneRules } from "./testing/scene.ts";

const camera = "front";
/** Frames are published in order here, so that the first after a loss need not wait for long. */
const windowMs = 50;
const patient = { timeout: 60_000, interval: 50 };

let rig: AnalysisRig;
beforeEach(async () => {
  rig = await AnalysisRig.start();
});
afterEach(() => rig.stop());

interface Frames {
  of?: string;
  epoch?: string;
  /** Each names the one before it, and the first this one. */
  previousNumber?: number;
}

/** Publishes the frames of these numbers, in order. */
async function publish(numbers: number[], { of = camera, epoch = "e1", previousNumber = 0 }: Frames = {}) {
  let previous = previousNumber;
  for (const number of numbers) {
    const at = { atMs: number * 25, startMs: startMs + (epoch === "e1" ? 0 : 60_000) };
    await rig.publish(sceneFrame({ camera: of, epoch, number, previousNumber: previous, ...at }));
    previous = number;
  }
}
const startMs = Date.now();
const span = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

const stream = () => rig.nats.manager.streams.info(streams.detections).then(({ state }) => state);
/** Removes all but the newest so many messages, as limits do. */
const keep = async (messages: number) =>
  rig.nats.manager.streams.purge(streams.detections, { seq: (await stream()).last_seq - messages + 1 });

/** The timeline in short: numbers of frames, and losses. Ticks, rules and the like are left out. */
async function story(of = camera): Promise<(number | FramesLost)[]> {
  return (await rig.timeline(of)).flatMap(({ entry: { entry } }) => {
    if (entry?.$case === "frame") return entry.value.frame!.number;
    return entry?.$case === "lost" ? entry.value : [];
  });
}
const lost = (frames: number) => ({ time: expect.anything(), frames });

test("frames that a stream of few bytes let go while the analysis was away are told once, in their place", async () => {
  await rig.register(camera, sceneRules());
  const before = await rig.analysis(windowMs);
  await publish(span(1, 40));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(40);
  expect(await before.metric(`sightline_frame_losses_total{camera="${camera}"}`)).toBe(0);
  await before.stop();
  const { manager } = rig.nats;
  await manager.streams.update(streams.detections, { max_bytes: 20_000 });
  await publish(span(41, 240), { previousNumber: 40 });
  const { messages: kept } = await stream();
  expect(kept).toBeLessThan(150);
  const analysis = await rig.analysis(windowMs);
  const first = 241 - kept;
  const expected = [...span(1, 40), lost(first - 41), ...span(first, 240)];
  await expect.poll(() => story(), patient).toEqual(expected);
  expect(await analysis.metric(`sightline_frame_losses_total{camera="${camera}"}`)).toBe(1);
  expect(await analysis.metric(`sightline_frames_lost_total{camera="${camera}"}`)).toBe(first - 41);
});

test("of numbers that were never published, no more count as lost than messages were removed", async () => {
  await rig.register(camera);
  const before = await rig.analysis(windowMs);
  await publish([5, 10], {});
  await expect.poll(() => rig.framesIn(camera), patient).toBe(2);
  await before.stop();
  await publish([15, 20, 25, 30, 35], { previousNumber: 10 });
  await keep(2);
  await rig.analysis(windowMs);
  await expect.poll(() => story(), patient).toEqual([5, 10, lost(3), 30, 35]);
});

test("a process that was frozen tells how many frames went by", { timeout: 120_000 }, async () => {
  await rig.register(camera);
  const process = await rig.process();
  await publish(span(1, 20));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(20);
  await process.signal("SIGSTOP");
  await publish(span(21, 620), { previousNumber: 20 });
  await keep(50);
  await process.signal("SIGCONT");
  await expect.poll(async () => (await story()).at(-1), patient).toBe(620);
  const entries = await story();
  const losses = entries.filter((entry) => typeof entry !== "number");
  expect(losses).toHaveLength(1);
  // Those that had been sent to it already are not lost.
  const [{ frames }] = losses as [FramesLost];
  expect(frames).toBeGreaterThan(200);
  expect(frames + entries.length - 1).toBe(620);
  expect(entries.indexOf(losses[0]!)).toBe(entries.findIndex((entry, i) => entry !== i + 1));
});

test("killed again and again, it tells of one loss once", { timeout: 240_000 }, async () => {
  await rig.register(camera, sceneRules());
  const first = await rig.process();
  await publish(span(1, 40));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(40);
  await first.signal("SIGKILL");
  await publish(span(41, 140), { previousNumber: 40 });
  await keep(60);
  const expected = [...span(1, 40), lost(40), ...span(81, 140)];
  const second = await rig.process();
  await expect.poll(async () => (await story()).length, patient).toBeGreaterThan(40);
  await second.signal("SIGKILL");
  await rig.expireLeases();
  await rig.process();
  await expect.poll(() => story(), patient).toEqual(expected);
});

test("whatever was written last before a crash, the loss is told once", { timeout: 240_000 }, async () => {
  await rig.register(camera, sceneRules());
  let analysis = await rig.analysis();
  await publish(span(1, 40));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(40);
  await analysis.stop();
  const checkpoint = (await rig.buckets.analysisState.get(camera))!.value;
  await publish(span(41, 80), { previousNumber: 40 });
  await keep(20);
  analysis = await rig.analysis();
  const expected = [...span(1, 40), lost(20), ...span(61, 80)];
  await expect.poll(() => story(), patient).toEqual(expected);
  const timeline = await rig.timeline(camera);
  const at = timeline.findIndex(({ entry }) => entry.entry?.$case === "lost");
  const { sequence } = timeline[at]!;
  const events = await rig.events(camera);
  const writes = at + events.filter(({ origin }) => origin!.sequence < sequence).length;
  // Time goes on while the first frame after the loss waits for the one before it.
  expect(timeline[at - 1]!.entry.entry!.$case).toBe("tick");
  // Before that and just before the loss, just after it, and after the frame that follows.
  for (const kept of [writes - 1, writes, writes + 1, writes + 2]) {
    await analysis.stop();
    await rig.rewind(camera, kept, checkpoint);
    analysis = await rig.analysis();
    await expect.poll(() => story(), patient).toEqual(expected);
  }
});

test("a new epoch says nothing of the end of the one before: then the number is unknown", async () => {
  await rig.register(camera);
  const before = await rig.analysis(windowMs);
  await publish(span(1, 10));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(10);
  await before.stop();
  await publish(span(11, 20), { previousNumber: 10 });
  await publish(span(1, 5), { epoch: "e2" });
  await keep(5);
  await rig.analysis(windowMs);
  await expect.poll(() => story(), patient).toEqual([...span(1, 10), lost(0), ...span(1, 5)]);
});

/** What happens to a camera of which ten frames are in the timeline and which then is silent; and the frames that come next. */
const noLoss: Record<string, () => Promise<number[]>> = {
  "was silent while others' frames were removed": async () => {
    await rig.register("other");
    await publish(span(1, 30), { of: "other" });
    await expect.poll(() => rig.framesIn("other"), patient).toBe(30);
    await keep(5);
    await publish([30, 31], { previousNumber: 10 });
    return [30, 31];
  },
  "was silent, and its ingest was started again": async () => {
    await publish(span(1, 30), { of: "other" });
    await restart(() => keep(5));
    await publish([1, 2], { epoch: "e2" });
    return [1, 2];
  },
  "went on after a clean restart": async () => {
    await restart();
    await keep(0);
    await publish([1, 2], { epoch: "e2" });
    return [1, 2];
  },
  "lost frames with a worker while nobody analysed": async () => {
    await restart(() => publish([15, 16], { previousNumber: 14 }));
    return [15, 16];
  },
  "was removed and added again": async () => {
    await rig.buckets.cameras.delete(camera);
    await expect
      .poll(async () => (await rig.buckets.analysisState.get(camera))?.operation, patient)
      .toBe("DEL");
    await publish(span(11, 20), { previousNumber: 10 });
    await keep(0);
    await rig.register(camera);
    await publish([30, 31], { epoch: "e2", previousNumber: 29 });
    return [30, 31];
  },
  "is read from a stream that was made anew": async () => {
    await rig.nats.manager.streams.delete(streams.detections);
    await ensureStreams(rig.nats.manager, retention);
    await publish([30, 31], { previousNumber: 29 });
    return [30, 31];
  },
};

/** Stops the analysis as a process that ends does, and starts it again. */
async function restart(meanwhile: () => Promise<unknown> = async () => undefined): Promise<void> {
  await analysis.stop();
  await meanwhile();
  analysis = await rig.analysis(windowMs);
}
let analysis: Awaited<ReturnType<AnalysisRig["analysis"]>>;

test.each(Object.keys(noLoss))("no loss is told of a camera that %s", async (name) => {
  await rig.register(camera);
  analysis = await rig.analysis(windowMs);
  await publish(span(1, 10));
  await expect.poll(() => rig.framesIn(camera), patient).toBe(10);
  const next = await noLoss[name]!();
  await expect.poll(() => story(), patient).toEqual([...span(1, 10), ...next]);
});

test("no loss is told of a camera whose analysis begins when much of the stream is gone already", async () => {
  await publish(span(1, 30));
  await keep(10);
  await rig.register(camera);
  await rig.analysis(windowMs);
  await expect.poll(() => story(), patient).toEqual(span(21, 30));
});
