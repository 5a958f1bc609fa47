import { CameraAnalysis } from "@sightline/analysis";
import { Event, FrameDetections } from "@sightline/contracts";
import { expect, vi } from "vitest";
import type { AnalysisRig } from "./analysis-rig.ts";

/**
 * Waits until all frames of a camera are analysed, and checks the result like `expectAsUninterrupted`. Returns its events.
 */
export async function analysedAsUninterrupted(rig: AnalysisRig, camera: string): Promise<Event[]> {
  await expect
    .poll(() => rig.framesIn(camera), { timeout: 90_000, interval: 200 })
    .toBe(rig.published.get(camera)!.length);
  // While tracks are open, time goes on, and an entry may have been written between the reads of the two streams.
  return vi.waitFor(() => expectAsUninterrupted(rig, camera), { timeout: 60_000, interval: 200 });
}

/**
 * Compares the result of a camera's analysis, whatever happened to it, with one that was never interrupted: each frame is
 * in the timeline once, in order, with the same track ids, and the events are the same, each once, in order.
 */
async function expectAsUninterrupted(rig: AnalysisRig, camera: string): Promise<Event[]> {
  const raw = rig.published.get(camera)!.map((data) => FrameDetections.decode(data));
  const timeline = await rig.timeline(camera);
  const incarnations = new Set(timeline.map(({ entry }) => entry.incarnation));
  expect(incarnations.size).toBe(1);
  const analysis = new CameraAnalysis(camera, [...incarnations][0]!);
  const expectedEvents: { event: Event; origin: { sequence: number; index: number } }[] = [];
  const numbers: number[] = [];
  for (const { sequence, entry } of timeline) {
    const step = entry.entry!;
    let made: Event[];
    if (step.$case === "frame") {
      const found = step.value;
      const frame = raw[found.frame!.number - 1]!;
      made = analysis.frame(frame);
      numbers.push(found.frame!.number);
      expect({ ...found, timings: undefined }).toEqual({ ...frame, timings: undefined });
    } else made = analysis.entry(step);
    for (const [index, event] of made.entries())
      expectedEvents.push({
        event: Event.decode(Event.encode(event).finish()),
        origin: { sequence, index },
      });
  }
  expect(numbers).toEqual(raw.map(({ frame }) => frame!.number));
  const events = await rig.events(camera);
  // There is no ingest to take pictures, so an event of an old frame names none.
  for (const [i, { event }] of events.entries())
    if (!event.snapshotFrame && expectedEvents[i])
      Object.assign(expectedEvents[i].event, { snapshotFrame: undefined, snapshotScore: 0 });
  expect(events).toEqual(expectedEvents);
  return events.map(({ event }) => event);
}
