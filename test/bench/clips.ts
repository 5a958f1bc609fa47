/**
 * Whether the clips of many events hold their moments. Real RTSP cameras, all recorded at once, send pictures that bear their
 * number as a pattern of black and white; the pictures of an event are known by it. Each clip is decoded by ffmpeg from end to
 * end, and played by Chromium at the event's time.
 * `node test/bench/clips.ts [--cameras N] [--events N] [--json]`
 */
import { createWriteStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { type Event, EventPhase, EventType } from "@sightline/client";
import { fromTimestamp } from "@sightline/contracts";
import { readMovieTimes } from "@sightline/recording";
import { findFfmpeg } from "@sightline/rtsp";
import type { Page } from "playwright-core";
import { launchChromium, RunningConsole } from "../browser/running-console.ts";
import { quantile } from "./measure.ts";
import {
  decode,
  distance,
  makeClip,
  patternHeight,
  patternWidth,
  pictures,
  rate,
  readPattern,
  sentOrder,
} from "./numbered-clip.ts";

/** What is recorded after an event, and a little. */
const postRollMs = 7_000;

export interface ClipsOptions {
  cameras: number;
  events: number;
}

/** One event: the pictures at its beginning and its end, by their pattern. */
interface Moment {
  name: string;
  camera: string;
  /** Capture time of the first, in milliseconds since 1970. */
  captureMs: number;
  first: number;
  last: number;
}

export interface ClipsReport {
  clips: number;
  /** Clips that ffmpeg decodes without a word and Chromium plays. */
  decoded: number;
  played: number;
  /** Clips that hold the pictures of the event's beginning and end. */
  held: number;
  /**
   * Pictures between the event's own and the one that is shown where the clip's box of capture times has the event, per clip:
   * [median, 99th percentile, most].
   */
  offInFfmpeg: [number, number, number];
  offInChromium: [number, number, number];
  /** The same where the time is counted from the clip's beginning: the stream's times run evenly, arrival on a busy machine does not. */
  offCounted: [number, number, number];
  /** What was wrong, a line each. */
  faults: string[];
}

/** Gathers events until so many have ended. */
async function gather(
  { client }: RunningConsole,
  sent: readonly number[],
  count: number,
  say: (line: string) => void,
) {
  const begun = new Map<string, Event>();
  const moments: Moment[] = [];
  const filter = { types: [EventType.APPEARED] };
  for await (const message of client.events.subscribe({ filter, start: "newest" })) {
    if (message.kind !== "event") throw new Error("events were lost");
    const { event } = message;
    const start = begun.get(event.name);
    if (event.phase === EventPhase.START && event.hasClip) begun.set(event.name, event);
    else if (event.phase === EventPhase.END && start) {
      const [, camera = ""] = event.name.split("/");
      // Frames are counted as they arrive.
      const number = (frame: Event["frame"]) => frame && sent[(frame.number - 1) % pictures]!;
      const first = number(start.frame)!;
      const captureMs = fromTimestamp(start.frame!.captureTime!);
      moments.push({
        ...{ name: event.name, camera, captureMs },
        // An event that ends with its camera's connection ends with no picture.
        ...{ first, last: number(event.frame) ?? first },
      });
      if (moments.length % 100 === 0) say(`${moments.length} events`);
      if (moments.length === count) return moments;
    }
  }
  throw new Error("the subscription ended");
}

/** What of the browser's page is used in the function below, which runs in it. */
interface Video {
  src: string;
  muted: boolean;
  currentTime: number;
  duration: number;
  addEventListener(type: string, listener: () => void, options: { once: true }): void;
}
declare const document: { createElement(name: string): unknown };

/** Luma of the pattern in the picture that Chromium shows of a video at a time in seconds, and how long it says the video is. */
async function show(page: Page, url: string, at: number) {
  const answer = await page.evaluate(
    async ([source, time, width, height]) => {
      const video = document.createElement("video") as Video;
      const happened = (type: string) =>
        new Promise<void>((resolve, reject) => {
          video.addEventListener(type, resolve, { once: true });
          video.addEventListener("error", () => reject(new Error("the video cannot be played")), {
            once: true,
          });
        });
      video.muted = true;
      const loaded = happened("loadeddata");
      video.src = source;
      await loaded;
      const sought = happened("seeked");
      video.currentTime = time;
      await sought;
      const canvas = new OffscreenCanvas(width, height) as unknown as {
        getContext(kind: "2d"): {
          drawImage(image: unknown, x: number, y: number): void;
          getImageData(x: number, y: number, w: number, h: number): { data: Uint8Array };
        };
      };
      const context = canvas.getContext("2d");
      context.drawImage(video, 0, 0);
      const { data } = context.getImageData(0, 0, width, height);
      const { duration } = video;
      video.src = "";
      return { duration, luma: Array.from({ length: width * height }, (_, i) => data[i * 4 + 1]!) };
    },
    [url, at, patternWidth, patternHeight] as const,
  );
  return { duration: answer.duration, number: readPattern(Uint8Array.from(answer.luma)) };
}
declare const OffscreenCanvas: new (width: number, height: number) => unknown;

export async function benchClips(
  { cameras, events }: ClipsOptions,
  say: (line: string) => void = () => undefined,
): Promise<ClipsReport> {
  const directory = mkdtempSync(join(tmpdir(), "sightline-bench-clips-"));
  const ffmpeg = await findFfmpeg(process.env.FFMPEG_PATH);
  say("encoding the cameras' clip …");
  const clip = await makeClip(ffmpeg, directory);
  const sent = await sentOrder(ffmpeg, clip);
  const running = await RunningConsole.start({ cameras, clip });
  const browser = await launchChromium();
  const report: ClipsReport = {
    ...{ clips: 0, decoded: 0, played: 0, held: 0 },
    ...{ offInFfmpeg: [0, 0, 0], offInChromium: [0, 0, 0], offCounted: [0, 0, 0], faults: [] },
  };
  try {
    const { client, origin } = running;
    for (const name of running.cameras.names) {
      await client.cameras.register(name, { uri: running.cameras.url(name), recording: { mode: "events" } });
      await client.rules.update(name, { rules: [{ type: EventType.APPEARED, classes: ["person"] }] });
    }
    const moments = await gather(running, sent, events, say);
    await delay(postRollMs);
    // What is kept can be played without them, and the machine has time for it.
    await running.cameras.stop();
    const page = await browser.newPage();
    await page.goto(origin);
    const [inFfmpeg, inChromium, counted]: number[][] = [[], [], []];
    const off = (own: number, shown: number | undefined) =>
      shown === undefined ? Number.POSITIVE_INFINITY : distance(own, shown);
    for (const { name, camera, captureMs, first, last } of moments) {
      report.clips++;
      const fault = (words: string) => report.faults.push(`${name}: ${words}`);
      try {
        const file = join(directory, "clip.mp4");
        const { from, content } = await client.events.clip(name);
        await pipeline(Readable.from(content), createWriteStream(file));
        const shown = await decode(ffmpeg, file);
        report.decoded++;
        const numbers = new Set(shown.map(({ number }) => number));
        if (numbers.has(first) && numbers.has(last)) report.held++;
        else
          fault(
            `pictures ${first} to ${last} are wanted, ${shown[0]?.number} to ${shown.at(-1)?.number} are in it`,
          );
        const times = readMovieTimes(readFileSync(file)) ?? [];
        const nearest = Math.min(...times.map((picture) => Math.abs(picture.captureMs - captureMs)));
        const at = times.find((picture) => Math.abs(picture.captureMs - captureMs) === nearest)?.seconds ?? 0;
        const shownAt = (seconds: number) =>
          shown.findLast((picture) => picture.at <= seconds + 0.001)?.number;
        inFfmpeg!.push(off(first, shownAt(at)));
        counted!.push(off(first, shownAt((captureMs - from.getTime()) / 1000)));
        const id = name.slice(name.lastIndexOf("/") + 1);
        // In the middle of the picture: a seek may stop short of a time that is not a whole number of its units.
        const played = await show(page, `${origin}/api/v1/events/${camera}/${id}/clip`, at + 0.5 / rate);
        report.played++;
        inChromium!.push(off(first, played.number));
      } catch (error) {
        fault((error as Error).message.split("\n")[0]!);
      }
      if (report.clips % 100 === 0) say(`${report.clips} clips, ${report.held} hold their event`);
    }
    report.offInFfmpeg = spread(inFfmpeg!);
    report.offInChromium = spread(inChromium!);
    report.offCounted = spread(counted!);
    return report;
  } finally {
    await browser.close();
    await running.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

function spread(values: number[]): [number, number, number] {
  return [quantile(values, 0.5), quantile(values, 0.99), quantile(values, 1)];
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      cameras: { type: "string", default: "16" },
      events: { type: "string", default: "1000" },
      json: { type: "boolean", default: false },
    },
  });
  const options = { cameras: Number(values.cameras), events: Number(values.events) };
  const report = await benchClips(options, (line) => console.error(line));
  if (values.json) console.log(JSON.stringify(report));
  else {
    const { clips, decoded, played, held, offInFfmpeg, offInChromium, offCounted, faults } = report;
    for (const fault of faults) console.error(fault);
    console.error(
      `${clips} clips: ${decoded} decoded, ${played} played by Chromium, ${held} hold their event`,
    );
    const words = ([middle, most99, most]: [number, number, number]) => `${middle}, ${most99}, ${most}`;
    console.error(
      `pictures between the event's and the one at its capture time (p50, p99, most): ffmpeg ${words(offInFfmpeg)}; Chromium ${words(offInChromium)}; counted from the beginning ${words(offCounted)}`,
    );
  }
  if (report.held < report.clips || report.played < report.clips) process.exitCode = 1;
}
