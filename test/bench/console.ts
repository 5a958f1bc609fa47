/**
 * How the web console's wall does in Chromium while a whole system runs on the same machine: frames per second of the
 * page itself, long tasks, first paint, weight. The cameras are real RTSP cameras.
 * `node test/bench/console.ts [--cameras N] [--fps R] [--duration S] [--json]`
 */
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { CameraState } from "@sightline/client";
import type { Page, Response } from "playwright-core";
import { launchChromium, RunningConsole } from "../browser/running-console.ts";

export interface ConsoleOptions {
  cameras: number;
  /** Frames per second that each camera sends. */
  cameraFps: number;
  /** Seconds of measurement. */
  duration: number;
}

/** What the page's own thread did. */
interface Smoothness {
  /** Animation frames per second. */
  fps: number;
  /** Between two animation frames, at most. */
  worstFrameMs: number;
  /** Tasks of 50 ms and more. */
  longTasks: number;
  longTaskMs: number;
  /** Pictures of all cameras together that were drawn in a second. */
  picturesPerSecond: number;
}

export interface ConsoleReport extends Smoothness {
  cameras: number;
  /** Cameras that were live at the end. */
  live: number;
  /** First contentful paint of the wall in a browser that has nothing in its cache. */
  firstPaintMs: number;
  /** Headers and bodies of the page's files, as sent. */
  weightKB: number;
}

/** Frames per second of the bundled clip. */
const clipFps = 10;
const liveWithinMs = 180_000;

/** Measures the wall. */
export async function benchConsole({ cameras, cameraFps, duration }: ConsoleOptions): Promise<ConsoleReport> {
  const running = await RunningConsole.start({ cameras, speed: cameraFps / clipFps });
  const browser = await launchChromium();
  try {
    for (const name of running.cameras.names)
      await running.client.cameras.register(name, { uri: running.cameras.url(name) });
    await untilLive(running);
    const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
    const files: Response[] = [];
    page.on("response", (response) => {
      if (!new URL(response.url()).pathname.startsWith("/api/")) files.push(response);
    });
    await page.goto(running.origin);
    const firstPaintMs = Math.round(await page.evaluate(firstContentfulPaint));
    await page.getByTestId(`tile-camera-${cameras}`).waitFor();
    await page.locator("canvas.live-canvas[data-frame]").first().waitFor();
    const sizes = await Promise.all(files.map((file) => file.request().sizes()));
    const weight = sizes.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
    // The page finds its pace in the first seconds.
    await delay(5_000);
    const smoothness = await measure(page, duration);
    const live = await countLive(running);
    return { cameras, live, ...smoothness, firstPaintMs, weightKB: Math.round(weight / 100) / 10 };
  } finally {
    await browser.close();
    await running.stop();
  }
}

async function countLive({ client }: RunningConsole): Promise<number> {
  const cameras = await Array.fromAsync(client.cameras.list());
  return cameras.filter(({ status }) => status?.state === CameraState.LIVE).length;
}

/** Waits until all cameras are live, or no longer. */
async function untilLive(running: RunningConsole): Promise<void> {
  const deadline = performance.now() + liveWithinMs;
  while ((await countLive(running)) < running.cameras.names.length && performance.now() < deadline)
    await delay(500);
}

async function measure(page: Page, seconds: number): Promise<Smoothness> {
  const counts = await page.evaluate(countFrames, seconds * 1_000);
  const each = (count: number) => Math.round((count / counts.ms) * 10_000) / 10;
  return {
    fps: each(counts.frames),
    worstFrameMs: Math.round(counts.worstMs),
    longTasks: counts.longTasks,
    longTaskMs: Math.round(counts.longTaskMs),
    picturesPerSecond: each(counts.pictures),
  };
}

/** What is used of the page in the functions below, which run in it. */
interface Picture {
  dataset: Record<string, string>;
}
declare const document: { querySelectorAll(selector: string): Iterable<Picture> };
declare function requestAnimationFrame(callback: (now: number) => void): number;

function firstContentfulPaint(): Promise<number> {
  return new Promise((resolve) => {
    new PerformanceObserver((list) => {
      const paint = list.getEntriesByName("first-contentful-paint")[0];
      if (paint) resolve(paint.startTime);
    }).observe({ type: "paint" as "mark", buffered: true });
  });
}

function countFrames(ms: number) {
  let [frames, pictures, worstMs, longTasks, longTaskMs] = [0, 0, 0, 0, 0];
  const shown = new Map<Picture, string | undefined>();
  const tasks = new PerformanceObserver((list) => {
    for (const task of list.getEntries()) {
      longTasks++;
      longTaskMs += task.duration;
    }
  });
  tasks.observe({ type: "longtask" as "mark" });
  return new Promise<{
    ms: number;
    frames: number;
    pictures: number;
    worstMs: number;
    longTasks: number;
    longTaskMs: number;
  }>((resolve) => {
    let begin: number | undefined;
    let last = 0;
    const onFrame = (now: number) => {
      if (begin === undefined) begin = now;
      else {
        frames++;
        worstMs = Math.max(worstMs, now - last);
      }
      last = now;
      for (const picture of document.querySelectorAll("canvas.live-canvas")) {
        const frame = `${picture.dataset.epoch} ${picture.dataset.frame}`;
        if (shown.has(picture) && shown.get(picture) !== frame) pictures++;
        shown.set(picture, frame);
      }
      if (now - begin < ms) requestAnimationFrame(onFrame);
      else {
        tasks.disconnect();
        resolve({ ms: now - begin, frames, pictures, worstMs, longTasks, longTaskMs });
      }
    };
    requestAnimationFrame(onFrame);
  });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      cameras: { type: "string", default: "64" },
      fps: { type: "string", default: "1" },
      duration: { type: "string", default: "10" },
    },
  });
  const [cameras, cameraFps, duration] = [values.cameras, values.fps, values.duration].map(Number);
  const report = await benchConsole({ cameras: cameras!, cameraFps: cameraFps!, duration: duration! });
  if (values.json) console.log(JSON.stringify(report));
  else {
    console.log(`${report.live} of ${report.cameras} cameras live, each sending ${cameraFps} frames/s`);
    console.log(`interface    ${report.fps} frames/s, worst gap ${report.worstFrameMs} ms`);
    console.log(`long tasks   ${report.longTasks}, ${report.longTaskMs} ms in ${duration} s`);
    console.log(`pictures     ${report.picturesPerSecond}/s`);
    console.log(`first paint  ${report.firstPaintMs} ms`);
    console.log(`weight       ${report.weightKB} kB`);
  }
}
