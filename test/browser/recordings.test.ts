import { join } from "node:path";
import type { HttpAnalysedFramePage, HttpEventPage } from "@sightline/contracts";
import { runFfmpeg } from "@sightline/media";
import { readClip, readSound, ScriptedCamera } from "@sightline/rtsp/testing";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { outlineShare } from "./box-outline.ts";
import { CanvasShot } from "./canvas-shot.ts";
import { ConsoleSystem, patience } from "./console-system.ts";

let sightline: ConsoleSystem;
let camera: ScriptedCamera;

beforeAll(async () => {
  sightline = await ConsoleSystem.start();
  const file = join(sightline.system.directory, "walk.mp4");
  await writeWalkingPerson(file, 12);
  const tone = await readSound(["-f", "lavfi", "-i", "sine=frequency=500:duration=12"]);
  camera = await ScriptedCamera.start({
    tracks: [{ clip: await readClip({ file }) }],
    sound: { clip: tone },
  });
  await put("POST", "/cameras", {
    ...{ id: "walk", uri: camera.url(), targetFps: walk.framesPerSecond },
    recording: { mode: "continuous", audio: true },
  });
  await put("PUT", "/cameras/walk/rules", {
    ...{ zones: [], masks: [], etag: "" },
    lines: [{ name: "middle", start: [0.5, 0], end: [0.5, 1] }],
    rules: [{ type: "crossed_line", line: "middle", classes: ["person"] }],
  });
});

afterEach(async () => {
  sightline.expectClean();
  await sightline.closePages();
});
afterAll(async () => {
  await camera?.stop();
  await sightline?.stop();
});

async function put(method: "POST" | "PUT", path: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const answer = await fetch(`${sightline.origin}/api/v1${path}`, {
    method,
    headers,
    body: JSON.stringify(body),
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

const events = async () => (await sightline.api<HttpEventPage>("/events?camera=walk")).events;

/** What is used of a video and its layer of boxes in the page. */
interface Video {
  currentTime: number;
  videoWidth: number;
  videoHeight: number;
  seekable: { length: number; end(index: number): number };
  seeking: boolean;
  paused: boolean;
  pause(): void;
  /** Of sound, in Chromium. */
  webkitAudioDecodedByteCount: number;
}
declare const OffscreenCanvas: new (
  width: number,
  height: number,
) => {
  getContext(kind: "2d"): {
    drawImage(source: Video, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray };
  };
};

/** Where the bar below the person is in the picture that a video shows now, in 0..1 of its width. */
function barIn(video: Locator): Promise<number> {
  return video.evaluate((element: Video) => {
    const { videoWidth: width, videoHeight: height } = element;
    const copy = new OffscreenCanvas(width, height).getContext("2d");
    copy.drawImage(element, 0, 0);
    const { data } = copy.getImageData(0, 0, width, height);
    let [sum, count] = [0, 0];
    for (let at = 0; at < data.length; at += 4)
      if (data[at]! > 180 && data[at + 1]! < 90 && data[at + 2]! > 180) {
        sum += (at / 4) % width;
        count++;
      }
    return sum / count / width;
  });
}

/** Its sound is there, and the browser can play it. */
async function expectSound(video: Locator): Promise<void> {
  const decoded = () =>
    video.evaluate(({ webkitAudioDecodedByteCount }: Video) => webkitAudioDecodedByteCount);
  await expect.poll(decoded, patience).toBeGreaterThan(0);
}

/** Goes to a time of a video that stands still, and waits until its picture is shown. */
async function seek(video: Locator, layer: Locator, seconds: number): Promise<number> {
  const before = await layer.getAttribute("data-capture");
  await video.evaluate((element: Video, seconds) => {
    element.currentTime = seconds;
  }, seconds);
  await expect.poll(() => video.evaluate(({ seeking }: Video) => seeking), patience).toBe(false);
  await expect.poll(() => layer.getAttribute("data-capture"), patience).not.toBe(before);
  return Number(await layer.getAttribute("data-capture"));
}

/** Pauses a video at several moments; what is drawn must be the person in the very picture that is shown. */
async function expectBoxesOverPerson(page: Page, video: Locator): Promise<void> {
  const layer = page.locator("canvas.box-layer");
  await expect.poll(() => layer.getAttribute("data-frame"), patience).toMatch(/\d/);
  await video.evaluate((element: Video) => element.pause());
  const start = await video.evaluate(({ currentTime }: Video) => currentTime);
  const places: number[] = [];
  for (let step = 1; places.length < 5; step++) {
    expect(step).toBeLessThan(60);
    const captureMs = await seek(video, layer, start + step * 0.2301);
    const from = new Date(Math.floor(captureMs - 1)).toISOString();
    const to = new Date(Math.ceil(captureMs + 1)).toISOString();
    const found = await sightline.api<HttpAnalysedFramePage>(
      `/cameras/walk/detections?from=${from}&to=${to}`,
    );
    // Others have no analysed frame of their own.
    const frame = found.frames.find(({ captureTimeMs }) => Math.abs(captureTimeMs - captureMs) < 1);
    const [detection] = frame?.detections ?? [];
    if (!frame || !detection) continue;
    await expect.poll(() => layer.getAttribute("data-frame"), patience).toBe(String(frame.number));
    const [xMin, yMin, xMax, yMax] = detection.box;
    const bar = await barIn(video);
    // Half of what the person walks from picture to picture.
    expect(Math.abs((xMin + xMax) / 2 - bar) * walk.width).toBeLessThan(10);
    const shot = await CanvasShot.take(layer);
    expect(await outlineShare(shot, [{ xMin, yMin, xMax, yMax }])).toBeGreaterThan(0.6);
    places.push(bar);
  }
  // The person has moved, so that one place for all would not have done.
  expect(Math.max(...places) - Math.min(...places)).toBeGreaterThan(0.1);
}

test("a recording plays with its sound, and boxes over it are on the person in the picture that is shown", async () => {
  await expect.poll(async () => (await events()).length, patience).toBeGreaterThan(1);
  const { page } = await sightline.open("/cameras/walk");
  const strip = page.getByRole("slider", { name: /^Recording of camera walk/ });
  await expect.poll(() => strip.locator(".happened").count(), patience).toBeGreaterThan(0);
  await strip.focus();
  await page.keyboard.press("ArrowLeft");
  const video = page.getByLabel("Recording of camera walk", { exact: true });
  await expectSound(video);
  await expectBoxesOverPerson(page, video);

  const boxes = page.getByRole("button", { name: "Boxes" });
  await boxes.click();
  await expect.poll(() => boxes.getAttribute("aria-pressed"), patience).toBe("false");
  const layer = page.locator("canvas.box-layer");
  await expect.poll(() => layer.getAttribute("data-frame"), patience).toBe(null);
  await page.reload();
  await strip.locator(".happened").first().waitFor();
  await strip.focus();
  await page.keyboard.press("ArrowLeft");
  await expect.poll(() => boxes.getAttribute("aria-pressed"), patience).toBe("false");
});

test("an event's clip plays with its sound, and boxes over it are on the person in the picture that is shown", async () => {
  await expect.poll(async () => (await events()).some(({ hasClip }) => hasClip), patience).toBe(true);
  const event = (await events()).findLast(({ hasClip }) => hasClip)!;
  const { page } = await sightline.open(`/cameras/walk/events/${event.id}`);
  await page.getByRole("dialog").getByRole("button", { name: "Play the clip" }).click();
  const video = page.getByRole("dialog").locator("video");
  await expectSound(video);
  await expectBoxesOverPerson(page, video);
});

/** So many cameras that are not there. */
const others = 62;

/** Begins to count for which cameras a page asks what is recorded. */
function askedCameras(page: Page): Set<string> {
  const asked = new Set<string>();
  page.on("request", (request) => {
    const [, id] = /\/cameras\/([^/]+)\/recording\/spans/.exec(request.url()) ?? [];
    if (id !== undefined) asked.add(id);
  });
  return asked;
}

test("the time of 64 cameras is on one page, which asks for what is in view, and plays a camera at a moment", async () => {
  await expect.poll(async () => (await events()).length, patience).toBeGreaterThan(3);
  const nowhere = `rtsp://127.0.0.1:${await freePort()}/x`;
  for (let number = 1; number <= others; number++)
    await put("POST", "/cameras", { id: `gate-${number}`, uri: nowhere, recording: { mode: "off" } });
  await put("POST", "/cameras", { id: "zoo", uri: nowhere });
  const { page } = await sightline.blank();
  const asked = askedCameras(page);
  await page.goto(`${sightline.origin}/timeline`);
  await page.getByTestId("timeline-gate-1").getByText("Recording is off").waitFor();
  expect(await page.locator(".timeline-row").count()).toBe(others + 2);
  // Rows are asked for when the page has seen which of them are in view.
  await expect.poll(() => asked.has("gate-1"), patience).toBe(true);
  await expect.poll(() => page.locator(".timeline-row[aria-busy=true]").count(), patience).toBe(0);
  expect(asked).not.toContain("walk");
  expect(asked.size).toBeLessThan(others / 2);

  const row = page.getByTestId("timeline-walk");
  await row.scrollIntoViewIfNeeded();
  await row.locator(".recorded").first().waitFor();
  await row.locator(".happened").first().waitFor();
  // What is recorded is a narrow part of the day: it is looked at closer until it can be clicked.
  const strip = row.getByRole("slider");
  await strip.focus();
  for (let times = 0; times < 8; times++) await page.keyboard.press("+");
  await expect.poll(() => page.locator(".timeline-row[aria-busy=true]").count(), patience).toBe(0);
  const recorded = (await row.locator(".recorded").last().boundingBox())!;
  await page.mouse.click(recorded.x + recorded.width / 2, recorded.y + 5);
  const video = page.getByLabel("Recording of camera walk", { exact: true });
  const layer = page.locator("canvas.box-layer");
  await expect.poll(() => layer.getAttribute("data-frame"), patience).toMatch(/\d/);
  const chosen = new URL(page.url()).searchParams;
  expect(chosen.get("camera")).toBe("walk");
  // The player is seen beside the row, which is far down.
  const { y } = (await video.boundingBox())!;
  expect(await page.evaluate<number>("scrollY")).toBeGreaterThan(1_000);
  expect(y).toBeGreaterThanOrEqual(0);
  expect(y).toBeLessThan(450);

  // Drawing along the row shows what was there.
  const place = (await row.locator(".recorded").last().boundingBox())!;
  const capture = async () => Number(await layer.getAttribute("data-capture"));
  const later = await capture();
  await page.mouse.move(place.x + place.width * 0.9, place.y + 5);
  await page.mouse.down();
  await page.mouse.move(place.x + place.width * 0.75, place.y + 5, { steps: 4 });
  await page.mouse.move(place.x + place.width * 0.25, place.y + 5, { steps: 4 });
  await page.mouse.up();
  await expect.poll(capture, patience).toBeLessThan(later);

  // Space stops it; arrows go to the next event and from camera to camera.
  const paused = () => video.evaluate(({ paused }: Video) => paused);
  await strip.focus();
  await page.keyboard.press("Space");
  await expect.poll(paused, patience).toBe(true);
  const at = () => Date.parse(new URL(page.url()).searchParams.get("at")!);
  await page.keyboard.press("ArrowRight");
  const isAtEvent = async () =>
    (await events()).some(({ startTime }) => Math.abs(Date.parse(startTime) - 5_000 - at()) < 2);
  await expect.poll(isAtEvent, patience).toBe(true);
  await page.keyboard.press("ArrowUp");
  await expect
    .poll(() => page.getByTestId(`timeline-gate-${others}`).locator(".timeline:focus").count(), patience)
    .toBe(1);

  // A colleague who is sent the address sees that camera at that moment.
  const sent = await sightline.open(new URL(page.url()).pathname + new URL(page.url()).search);
  const theirs = sent.page.locator("canvas.box-layer");
  await sent.page.getByRole("heading", { name: /^walk, / }).waitFor();
  const shown = async () => Number(await theirs.getAttribute("data-capture"));
  // Before the player goes there it may show the first picture of the file.
  await expect.poll(shown, patience).toBeGreaterThan(at() - 1_000);
  expect(await shown()).toBeLessThan(at() + 20_000);
});

const bundled = join(projectRoot, "test/fixtures/pedestrians.mp4");

/** Size of the picture, and of what moves in it: a person with a magenta bar below, both with the same middle. */
const walk = { width: 768, height: 432, patchWidth: 104, framesPerSecond: 10 };

/**
 * Writes a video of a person who goes to and fro before a plain ground, cut out of the bundled clip, by about 20 pixels a picture.
 */
async function writeWalkingPerson(file: string, seconds: number): Promise<void> {
  const { width, height, patchWidth, framesPerSecond: rate } = walk;
  const across = width - patchWidth - 80;
  const person = `[0:v]trim=16:16.05,crop=${patchWidth}:166:310:365,scale=${patchWidth}:-2,pad=${patchWidth}:190:0:0:magenta,loop=-1:1,setpts=N/${rate}/TB[person]`;
  const place = `40+${across}*abs(2*mod(t/6\\,1)-1)`;
  await runFfmpeg(process.env.FFMPEG_PATH ?? "ffmpeg", [
    ...["-loglevel", "error", "-y", "-i", bundled],
    ...["-f", "lavfi", "-i", `color=0x4a6324:s=${width}x${height}:r=${rate}:d=${seconds}`],
    ...["-filter_complex", `${person};[1:v][person]overlay=x='${place}':y=180:shortest=1,format=yuv420p`],
    ...["-c:v", "libx264", "-preset", "veryfast", "-g", "20", "-bf", "2", "-t", String(seconds), file],
  ]);
}
