import { type BoundingBox, connect, type SightlineClient } from "@sightline/client";
import type { HttpCamera } from "@sightline/contracts";
import { numberedVideo } from "@sightline/recording/testing";
import { ScriptedCamera } from "@sightline/rtsp/testing";
import type { RtspCameras } from "@sightline/stack";
import type { Response } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test } from "vitest";
import { outlineShare } from "./box-outline.ts";
import { CanvasShot, livePicture, shownFrame, untilDrawn } from "./canvas-shot.ts";
import { ConsoleSystem, patience } from "./console-system.ts";
import type { PageRecord } from "./page-record.ts";

const ids = ["entrance", "yard"];
let sightline: ConsoleSystem;
let cameras: RtspCameras;
let client: SightlineClient;
const following = new AbortController();
let followed: Promise<void> | undefined;
/** Boxes of people as the gRPC API reports them, by epoch and number of the frame. */
const reported = new Map<string, BoundingBox[]>();

beforeAll(async () => {
  sightline = await ConsoleSystem.start();
  cameras = await sightline.system.cameras(ids.length);
  client = connect(`127.0.0.1:${sightline.system.ports.grpc}`);
  for (const [index, id] of ids.entries())
    await client.cameras.register(id, { uri: cameras.url(cameras.names[index]!), targetFps: 4 });
  followed = follow(client);
});

afterEach(async () => {
  sightline.expectClean();
  await sightline.closePages();
});
afterAll(async () => {
  following.abort();
  await followed;
  client?.close();
  await sightline?.stop();
});

async function follow({ detections }: SightlineClient): Promise<void> {
  const { signal } = following;
  for await (const event of detections.subscribe({ cameras: ["entrance"], includeEmpty: true, signal })) {
    if (event.kind !== "frame") continue;
    const { frame, detections } = event.frame;
    const people = detections.filter(({ className }) => className === "person");
    reported.set(
      `${frame!.epoch} ${frame!.number}`,
      people.map(({ normalizedBox }) => normalizedBox!),
    );
  }
}

const drawnAt: [name: string, path: string, tile?: string][] = [
  ["the wall", "/", "entrance"],
  ["a camera's page, over its video", "/cameras/entrance"],
];

test.for(drawnAt)("boxes are drawn on %s at the places that the API reports", async ([, path, tile]) => {
  const { page } = await sightline.open(path);
  const picture = livePicture(page, tile);
  const kind = tile === undefined ? "video" : "picture";
  await expect.poll(() => picture.getAttribute("data-kind"), patience).toBe(kind);
  await untilDrawn(picture);
  const shares: { drawn: number; beside: number }[] = [];
  while (shares.length < 5) {
    const shot = await CanvasShot.take(picture);
    const key = `${shot.epoch} ${shot.number}`;
    await expect.poll(() => reported.get(key), patience).toBeDefined();
    const boxes = reported.get(key)!;
    if (boxes.length > 0)
      shares.push({ drawn: await outlineShare(shot, boxes), beside: await outlineShare(shot, boxes, 5) });
    await untilDrawn(picture, key);
  }
  // Labels and other people's boxes cover some of an outline, and lie where there is none.
  for (const { drawn } of shares) expect(drawn).toBeGreaterThan(0.6);
  const mean = (of: "drawn" | "beside") => shares.reduce((sum, share) => sum + share[of], 0) / shares.length;
  expect(mean("beside")).toBeLessThan(mean("drawn") / 2);
});

test("charts move on by themselves", async () => {
  const { page } = await sightline.open("/cameras/entrance");
  for (const name of ["latency", "latency-by-stage", "frames-per-second"]) {
    const chart = page.getByTestId(`chart-${name}`);
    await expect
      .poll(async () => Number(await chart.getAttribute("data-newest")), patience)
      .toBeGreaterThan(0);
    const newest = Number(await chart.getAttribute("data-newest"));
    const pixels = await chart.locator(".chart-place").screenshot();
    await expect
      .poll(async () => Number(await chart.getAttribute("data-newest")), patience)
      .toBeGreaterThan(newest + 1);
    const moved = async () => !(await chart.locator(".chart-place").screenshot()).equals(pixels);
    await expect.poll(moved, patience).toBe(true);
    await expect.poll(() => chart.locator(".chart-legend").textContent(), patience).toMatch(/\d/);
  }
});

/** What is used of the table's rows in the page. */
interface Row {
  querySelectorAll(selector: string): Iterable<{ textContent: string }>;
}

test("the ledger accounts for every frame, as the API does", async () => {
  const { page } = await sightline.open("/cameras/yard");
  await untilDrawn(livePicture(page));
  // Counts stand still only when no frames come.
  await cameras.fault("stall");
  await page.getByTestId("dark-notice").waitFor();
  const shown = async () => {
    const rows = await page
      .getByTestId("ledger")
      .locator("tbody tr")
      .evaluateAll((rows: Row[]) =>
        rows.map((row) => [...row.querySelectorAll("th, td.number")].map((cell) => cell.textContent)),
      );
    return rows.map(([name, share, frames]) => ({
      name: name!.trim(),
      share: Number.parseFloat(share!),
      frames: Number(frames!.replaceAll(",", "")),
    }));
  };
  const told = async () => {
    const { ledger } = (await sightline.api<HttpCamera>("/cameras/yard")).status;
    const counts = [ledger.inferred, ...Object.values(ledger.dropped), ledger.inFlight];
    return { captured: ledger.captured, counts: counts.filter((count) => count > 0) };
  };
  const sorted = (counts: number[]) => counts.sort((a, b) => a - b).join(" ");
  let rows: Awaited<ReturnType<typeof shown>> = [];
  let captured = 0;
  // The page may be behind the server; what is looked at below is what agreed.
  const agree = async () => {
    const now = await told();
    [rows, captured] = [await shown(), now.captured];
    return sorted(rows.map(({ frames }) => frames)) === sorted(now.counts);
  };
  await expect.poll(agree, patience).toBe(true);
  const total = rows.reduce((sum, { frames }) => sum + frames, 0);
  expect(rows.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(100, 6);
  for (const { share, frames } of rows) expect(Math.abs(share - (frames / total) * 100)).toBeLessThan(0.11);
  expect(total).toBe(captured);
  expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(["Inferred", "Sampled out"]));
  await cameras.fault("resume");
  await page.getByTestId("dark-notice").waitFor({ state: "detached" });
});

/** Counts the pictures that come in three seconds of the server's own messages. */
async function picturesMeanwhile(record: PageRecord): Promise<number> {
  const [samples, pictures] = [record.count("samples"), record.count("picture")];
  await expect.poll(() => record.count("samples"), patience).toBeGreaterThanOrEqual(samples + 3);
  return record.count("picture") - pictures;
}

const requested = async () =>
  (await sightline.system.metrics("results")).sum("sightline_live_pictures_requested_total") ?? 0;

test("pictures are made only while somebody looks", async () => {
  const { page, record } = await sightline.open("/");
  for (const id of ids) await untilDrawn(livePicture(page, id));
  await expect.poll(() => record.watched.toSorted(), patience).toEqual(ids);
  const pictures = record.count("picture");
  await expect.poll(() => record.count("picture"), patience).toBeGreaterThan(pictures + 1);

  await page.getByRole("link", { name: "System", exact: true }).click();
  await page.getByRole("heading", { name: "System", exact: true, level: 1 }).waitFor();
  await expect.poll(() => record.watched, patience).toEqual([]);
  await picturesMeanwhile(record);
  const before = await requested();
  expect(await picturesMeanwhile(record)).toBe(0);
  expect(await requested()).toBe(before);

  await page.goto(`${sightline.origin}/cameras/yard`);
  await untilDrawn(livePicture(page));
  // The camera's own video takes the pictures' place.
  await expect.poll(() => livePicture(page).getAttribute("data-kind"), patience).toBe("video");
  await expect.poll(() => record.watched, patience).toEqual([]);
  await page.getByRole("button", { name: "Analysed frames" }).click();
  await expect.poll(() => record.watched, patience).toEqual(["yard"]);
  await expect.poll(() => livePicture(page).getAttribute("data-kind"), patience).toBe("picture");
});

test("video that the browser cannot play is told so, and pictures are shown", async () => {
  const clip = await numberedVideo({ codec: "H265", seconds: 6 });
  const camera = await ScriptedCamera.start({ tracks: [{ clip }] });
  onTestFinished(() => camera.stop());
  await client.cameras.register("hevc", { uri: camera.url(), targetFps: 4 });
  const { page } = await sightline.open("/cameras/hevc");
  await untilDrawn(livePicture(page));
  await page.getByText("This browser cannot play the camera's video (H.265).").waitFor();
  expect(await livePicture(page).getAttribute("data-kind")).toBe("picture");
  await client.cameras.delete("hevc");
});

test("a hidden page asks for no pictures, and for them again when it is shown", async () => {
  const { page, record } = await sightline.open("/");
  for (const id of ids) await untilDrawn(livePicture(page, id));
  const setHidden = (hidden: boolean) =>
    page.evaluate(
      `Object.defineProperty(document, "hidden", { configurable: true, value: ${hidden} });
       document.dispatchEvent(new Event("visibilitychange"))`,
    );
  await setHidden(true);
  await expect.poll(() => record.watched, patience).toEqual([]);
  await picturesMeanwhile(record);
  const before = await requested();
  expect(await picturesMeanwhile(record)).toBe(0);
  expect(await requested()).toBe(before);

  const frame = await shownFrame(livePicture(page, "yard"));
  await setHidden(false);
  await untilDrawn(livePicture(page, "yard"), frame);
});

test("the console is small, compressed, and allowed nothing but its own files", async () => {
  const { page } = await sightline.blank();
  const files: Response[] = [];
  page.on("response", (response) => {
    if (!new URL(response.url()).pathname.startsWith("/api/")) files.push(response);
  });
  const connected = page.waitForEvent("websocket");
  const answer = await page.goto(sightline.origin);
  await connected;
  const policy = answer!.headers()["content-security-policy"]!;
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).not.toMatch(/unsafe-|https?:|\*/);
  const text = files.filter((file) => /\.(js|css)$|:\d+\/$/.test(file.url()));
  expect(text.length).toBeGreaterThanOrEqual(3);
  for (const file of text) expect(file.headers()["content-encoding"], file.url()).toBe("br");
  const sizes = await Promise.all(files.map((file) => file.request().sizes()));
  const weight = sizes.reduce((sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0);
  expect(weight).toBeGreaterThan(20_000);
  expect(weight).toBeLessThanOrEqual(300_000);
});
