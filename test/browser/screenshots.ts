/**
 * Takes the README's pictures of the web console from a real run: real cameras with the bundled clip, the real model,
 * real rules. `node test/browser/screenshots.ts [--directory PATH] [--fps R] [--settle SECONDS]`
 */
import { mkdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { parseArgs } from "node:util";
import { projectRoot } from "@sightline/stack";
import type { Page } from "playwright-core";
import sharp from "sharp";
import { launchChromium, RunningConsole } from "./running-console.ts";

const names = ["entrance", "garden", "parking", "yard"];
/** Between two cameras' beginnings, so that they do not all show the same. */
const apartMs = 5_000;
const pageWidth = 1280;
/** The page keeps this place free for a scroll bar, which pictures do not show. */
const scrollBarWidth = 15;
const mostBytes = 250_000;
const patience = { timeout: 120_000 };

/** Each picture's page, and what is done there before it is taken. */
const pictures: { name: string; path: string; height: number; bring: (page: Page) => Promise<unknown> }[] = [
  { name: "wall", path: "/", height: 970, bring: (page) => untilAllDrawn(page, names.length) },
  {
    name: "camera",
    path: "/cameras/entrance",
    height: 1340,
    bring: async (page) => {
      await untilAllDrawn(page, 1);
      await page.getByTestId("events").locator("li img").nth(2).waitFor();
    },
  },
  {
    name: "zones",
    path: "/cameras/entrance/zones",
    height: 1240,
    bring: async (page) => {
      await page.locator(".scene-place img").waitFor();
      await page.getByRole("button", { name: "Zone: lawn" }).click();
    },
  },
  {
    name: "events",
    path: "/events",
    height: 860,
    bring: (page) => page.getByTestId("events").locator("li img").nth(4).waitFor(),
  },
  { name: "system", path: "/system", height: 1180, bring: (page) => page.getByTestId("workers").waitFor() },
];

async function untilAllDrawn(page: Page, count: number): Promise<void> {
  await page
    .locator("canvas.live-canvas[data-frame]")
    .nth(count - 1)
    .waitFor();
}

/** Registers a camera with the rules of the bundled clip. */
async function register(
  { client, cameras, origin }: RunningConsole,
  id: string,
  name: string,
  targetFps: number,
): Promise<void> {
  await client.cameras.register(id, { uri: cameras.url(name), targetFps });
  const answer = await fetch(`${origin}/api/v1/cameras/${id}/rules`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: await rulesBody(),
  });
  if (!answer.ok) throw new Error(`the rules of ${id} were refused: ${await answer.text()}`);
}

async function rulesBody(): Promise<string> {
  const file = join(projectRoot, "test/fixtures/pedestrians.rules.json");
  return JSON.stringify({ masks: [], ...JSON.parse(await readFile(file, "utf8")) });
}

const { values } = parseArgs({
  options: {
    directory: { type: "string", default: join(projectRoot, "docs/images") },
    fps: { type: "string", default: "5" },
    settle: { type: "string", default: "100" },
  },
});
await mkdir(values.directory, { recursive: true });
const running = await RunningConsole.start({ cameras: names.length });
const browser = await launchChromium();
try {
  for (const [index, id] of names.entries()) {
    await register(running, id, running.cameras.names[index]!, Number(values.fps));
    await delay(apartMs);
  }
  await delay(Number(values.settle) * 1_000);
  for (const colorScheme of ["light", "dark"] as const) {
    const context = await browser.newContext({ colorScheme });
    context.setDefaultTimeout(patience.timeout);
    const page = await context.newPage();
    for (const { name, path, height, bring } of pictures) {
      await page.setViewportSize({ width: pageWidth, height });
      await page.goto(running.origin + path);
      await bring(page);
      // Figures are there after some seconds of samples.
      await delay(4_000);
      const file = join(values.directory, `${name}-${colorScheme}.webp`);
      await sharp(await page.screenshot())
        .extract({ left: 0, top: 0, width: pageWidth - scrollBarWidth, height })
        .webp({ quality: 82, effort: 6 })
        .toFile(file);
      const { size } = await stat(file);
      if (size > mostBytes) throw new Error(`${file} has ${size} bytes, more than ${mostBytes}`);
      console.log(`${file}  ${Math.round(size / 1000)} kB`);
    }
    await context.close();
  }
} finally {
  await browser.close();
  await running.stop();
}
