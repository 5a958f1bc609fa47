import type { HttpCamera, HttpEventPage, HttpRules } from "@sightline/contracts";
import type { ElementHandle, Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { expectAccessible, prepareAccessible } from "./accessible.ts";
import { CanvasShot, livePicture, untilDrawn } from "./canvas-shot.ts";
import { ConsoleSystem, patience } from "./console-system.ts";

let sightline: ConsoleSystem;
let page: Page;

beforeAll(async () => {
  sightline = await ConsoleSystem.start();
  const cameras = await sightline.system.cameras(1);
  await sightline.system.register("yard", { uri: cameras.url("camera-1"), targetFps: 5 });
  page = (await sightline.open("/cameras/yard")).page;
});

afterEach(() => sightline.expectClean());
afterAll(() => sightline?.stop());

/** Of the page that is shown. */
const path = () => new URL(page.url()).pathname;
const rules = () => sightline.api<HttpRules>("/cameras/yard/rules");
const events = async () =>
  (await sightline.api<HttpEventPage>("/events?camera=yard&type=entered_zone")).events;

/** A place in the picture, in 0..1 of it, as the mouse sees it. */
async function place([x, y]: readonly [number, number]): Promise<[number, number]> {
  const scene = (await page.getByTestId("scene").boundingBox())!;
  return [scene.x + x * scene.width, scene.y + y * scene.height];
}

/** Waits until the still is there: the picture has its final size then. */
async function stillDrawn(): Promise<void> {
  const still = page.locator(".scene-place img");
  await still.waitFor();
  await expect.poll(() => still.evaluate(naturalWidth), patience).toBeGreaterThan(0);
}

/** What is used of images in the page. */
interface Image {
  naturalWidth: number;
}
const naturalWidth = ({ naturalWidth }: Image) => naturalWidth;

async function click(at: readonly [number, number]): Promise<void> {
  await page.mouse.click(...(await place(at)));
}

async function drag(from: readonly [number, number], to: readonly [number, number]): Promise<void> {
  await page.mouse.move(...(await place(from)));
  await page.mouse.down();
  await page.mouse.move(...(await place(to)), { steps: 5 });
  await page.mouse.up();
}

/** Has these rules in force, whatever is there. */
async function putRules(body: object): Promise<void> {
  const answer = await fetch(`${sightline.origin}/api/v1/cameras/yard/rules`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBe(200);
}

const save = async () => {
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("Saved; in force from the next frame.").waitFor();
};

test("a zone is drawn with the mouse on a still, and put right by its corners", async () => {
  await untilDrawn(livePicture(page));
  await page.getByRole("link", { name: "Zones and rules" }).click();
  await stillDrawn();
  await page.getByRole("button", { name: "Draw zone" }).click();
  const corners = [
    [0.1, 0.1],
    [0.9, 0.1],
    [0.95, 0.95],
    [0.05, 0.8],
  ] as const;
  for (const corner of corners) await click(corner);
  // The first corner again closes the outline.
  await click(corners[0]);
  await page.getByRole("button", { name: "Zone: zone 1", exact: true }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("lawn");
  await drag(corners[3], [0.05, 0.95]);
  await page.getByRole("button", { name: /^lawn, corner 4, 5\.\d% across, 9[45]\.\d% down/ }).waitFor();
});

test("a rule over the zone is added, saved and in force", async () => {
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByLabel("Report when").selectOption("entered_zone");
  await page.getByLabel("Zone", { exact: true }).selectOption("lawn");
  await page.setViewportSize({ width: 390, height: 844 });
  // What the longest choice needs more than there is.
  const lacking = await page.evaluate<number>(`{
    const select = document.querySelector(".rule-fields select");
    const wide = select.cloneNode(true);
    wide.style.width = "max-content";
    select.parentElement.append(wide);
    const needed = wide.offsetWidth;
    wide.remove();
    needed - select.offsetWidth;
  }`);
  expect(lacking).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 900 });
  await save();
  const saved = await rules();
  expect(saved.rules).toMatchObject([{ type: "entered_zone", zone: "lawn" }]);
  const drawn = [
    [0.1, 0.1],
    [0.9, 0.1],
    [0.95, 0.95],
    [0.05, 0.95],
  ];
  expect(saved.zones).toHaveLength(1);
  for (const [index, [x, y]] of saved.zones[0]!.polygon.entries()) {
    expect(x).toBeCloseTo(drawn[index]![0]!, 2);
    expect(y).toBeCloseTo(drawn[index]![1]!, 2);
  }
});

test("an outline that is open is closed or refused, never dropped", async () => {
  const { etag: _, ...before } = await rules();
  const corners = [
    [0.2, 0.3],
    [0.4, 0.3],
    [0.4, 0.6],
  ] as const;
  const draw = async (tool: string, points: readonly (readonly [number, number])[]) => {
    await page.getByRole("button", { name: tool }).click();
    for (const point of points) await click(point);
  };
  // The focus is where one has clicked, or in a field: Enter means the outline.
  await draw("Draw zone", corners);
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Zone: zone 1", exact: true }).waitFor();
  await page.getByLabel("Name", { exact: true }).fill("drive");
  await draw("Draw mask", corners);
  await page.getByLabel("Name", { exact: true }).press("Enter");
  await page.getByRole("button", { name: "Mask: mask", exact: true }).waitFor();

  await draw("Draw line", corners.slice(0, 1));
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("The line has no end yet").first().waitFor();
  expect((await rules()).zones).toHaveLength(1);
  await click(corners[2]);
  await draw("Draw zone", corners);
  await save();
  const after = await rules();
  expect(after.zones.map(({ name }) => name)).toEqual(["lawn", "drive", "zone 1"]);
  expect([after.lines.length, after.masks.length]).toEqual([1, 1]);

  // A rule whose zone is gone, or that has none, is not taken for one over the whole picture.
  await page.getByRole("button", { name: "Zone: zone 1", exact: true }).click();
  await page.getByRole("button", { name: "Add a rule" }).click();
  const rule = page.getByTestId("rules").locator("li").last();
  await rule.getByLabel("Report when").selectOption("appeared");
  await page.getByRole("button", { name: "Remove zone" }).click();
  await rule.getByText("There is no zone “zone 1” any more.").waitFor();
  expect(await page.getByRole("button", { name: "Save rules" }).isDisabled()).toBe(true);
  await rule.getByLabel("Zone", { exact: true }).selectOption("the whole picture");
  await save();
  expect((await rules()).rules.at(-1)).toEqual({ name: expect.any(String), type: "appeared" });
  await putRules(before);
});

test("its event comes to the list by itself, with a snapshot that can be looked at", async () => {
  await page.getByRole("link", { name: "Back to the camera" }).click();
  const entered = page.getByTestId("events").locator("li", { hasText: "Person entered lawn" }).first();
  await entered.waitFor();
  await expect
    .poll(async () => (await events())[0], patience)
    .toMatchObject({ camera: "yard", type: "entered_zone", zone: "lawn" });

  // A picture may be told of before it is there, and the list changes: what is no more in it when it is clicked is tried anew.
  let width = 0;
  const pictures = page.getByTestId("events").locator("li img");
  const opened = async () => {
    for (const picture of (await pictures.elementHandles()) as ElementHandle<Image>[]) {
      await picture.scrollIntoViewIfNeeded();
      width = await picture.evaluate(naturalWidth);
      if (width > 0) await picture.click();
      if (width > 0) return true;
    }
    return false;
  };
  await expect.poll(opened, patience).toBe(true);
  // Cut out around the object: never the picture of the camera.
  expect(width).toBeLessThanOrEqual(256);
  const large = page.getByRole("dialog").getByRole("img");
  await expect.poll(() => large.evaluate(naturalWidth), patience).toBeGreaterThan(300);
  await page.getByRole("button", { name: "Zoom in" }).last().click();
  await page.getByRole("region", { name: "Part of the picture" }).waitFor();
  const fills = () => page.evaluate<boolean>("document.fullscreenElement !== null");
  await page.getByRole("dialog").getByRole("button", { name: "Full screen" }).click();
  await expect.poll(fills, patience).toBe(true);
  await page.getByRole("dialog").getByRole("button", { name: "Full screen" }).click();
  await expect.poll(fills, patience).toBe(false);

  // The address of what is opened can be sent, and leads there.
  await expect.poll(path, patience).toMatch(/^\/cameras\/yard\/events\/./);
  const title = await page.getByRole("dialog").getByRole("heading").textContent();
  await page.goto(page.url());
  await page.getByRole("dialog").getByRole("heading", { name: title!, exact: true }).waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  // The address changes after the dialog is out of sight.
  await expect.poll(path, patience).toBe("/cameras/yard");
});

/** What is used of a video in the page. */
interface Video {
  currentTime: number;
  videoWidth: number;
}

/** Waits until a video has shown pictures of the camera's own size. */
async function untilPlayed(video: Locator): Promise<void> {
  const state = () =>
    video.evaluate(({ currentTime, videoWidth }: Video) => ({ videoWidth, played: currentTime > 0.5 }));
  await expect.poll(state, patience).toEqual({ videoWidth: 768, played: true });
}

test("the clip of an event plays, and the recording from the strip of the day", async () => {
  await expect.poll(async () => (await events()).some(({ hasClip }) => hasClip), patience).toBe(true);
  const event = (await events()).find(({ hasClip }) => hasClip)!;
  const clip = `/api/v1/events/yard/${event.id}/clip`;
  await expect
    .poll(async () => (await fetch(`${sightline.origin}${clip}`, { method: "HEAD" })).status, patience)
    .toBe(200);
  await page.goto(`${sightline.origin}/cameras/yard/events/${event.id}`);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("button", { name: "Play the clip" }).click();
  await untilPlayed(dialog.locator("video"));
  await dialog.getByRole("button", { name: "Show the picture" }).click();
  await dialog.getByRole("button", { name: "Close" }).click();

  const strip = page.getByRole("slider", { name: /^Recording of camera yard/ });
  await strip.locator(".recorded").first().waitFor();
  await strip.focus();
  await page.keyboard.press("ArrowLeft");
  const recording = page.getByLabel("Recording of camera yard", { exact: true });
  await untilPlayed(recording);
  await expect.poll(() => strip.getAttribute("aria-valuetext"), patience).not.toBe("nothing is played");
});

test("events are found by camera, kind and zone", async () => {
  await page.goto(`${sightline.origin}/events`);
  const list = page.getByTestId("events").locator("li");
  await list.first().waitFor();
  await page.getByLabel("What", { exact: true }).selectOption("entered_zone");
  await page.getByLabel("Zone", { exact: true }).selectOption("lawn");
  await expect.poll(() => new URL(page.url()).search, patience).toBe("?type=entered_zone&zone=lawn");
  // Looked at in one go: the list changes while its events go on, and once more when the filter has been applied.
  const others = async () => {
    const rows = await list.allTextContents();
    return rows.length === 0 ? ["no row yet"] : rows.filter((row) => !row.includes("Person entered lawn"));
  };
  await expect.poll(others, patience).toEqual([]);
  await page.getByLabel("What", { exact: true }).selectOption("camera_down");
  await page.getByText("No event that is kept passes this filter.").waitFor();

  // By time: a day ahead there is none, and up to then there are.
  await page.getByLabel("What", { exact: true }).selectOption("entered_zone");
  await list.first().waitFor();
  const aDayAhead = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16);
  await page.getByLabel("From", { exact: true }).fill(aDayAhead);
  await page.getByText("No event that is kept passes this filter.").waitFor();
  await page.getByLabel("From", { exact: true }).fill("");
  await page.getByLabel("To", { exact: true }).fill(aDayAhead);
  await list.first().waitFor();
  // The address keeps it.
  await page.reload();
  await list.first().waitFor();
  expect(await page.getByLabel("To", { exact: true }).inputValue()).toBe(aDayAhead);
});

test("an event that is reviewed is so at once in another browser, and is not among those that are left", async () => {
  const { page: other } = await sightline.open("/events?type=entered_zone&reviewed=false");
  const left = other.getByTestId("events").locator("li");
  await left.first().waitFor();
  await page.goto(`${sightline.origin}/events?type=entered_zone`);
  const oldest = page
    .getByTestId("events")
    .getByRole("button", { name: /^Reviewed: Person entered lawn/ })
    .last();
  await oldest.focus();
  await page.keyboard.press("Space");
  await expect.poll(() => oldest.getAttribute("aria-pressed"), patience).toBe("true");
  const reviewed = await page.getByTestId("events").locator("li").last().getAttribute("data-event");
  await expect.poll(() => other.locator(`[data-event="${reviewed}"]`).count(), patience).toBe(0);
  // Events go on to happen: those that are there now are marked.
  const before = await left.first().getAttribute("data-event");
  await other.getByRole("button", { name: /^Mark all shown as reviewed/ }).click();
  await expect.poll(() => other.locator(`[data-event="${before}"]`).count(), patience).toBe(0);
  await expect
    .poll(
      () => page.locator(`[data-event="${before}"]`).getByRole("button").last().getAttribute("aria-pressed"),
      patience,
    )
    .toBe("true");
  await other.context().close();
});

test("what one track did is one card, and events are counted: with the keyboard, accessible and narrow", async () => {
  const before = await rules();
  await putRules({ ...before, rules: [{ type: "appeared" }, { type: "entered_zone", zone: "lawn" }] });
  const { page: other } = await sightline.blank();
  await prepareAccessible(other);
  await other.goto(`${sightline.origin}/events`);
  const card = other.locator(".event.track", { hasText: "Person appeared, entered lawn" }).first();
  await card.waitFor();
  const key = await card.getAttribute("data-event");
  const same = other.locator(`.event.track[data-event="${key}"]`);
  await same.locator("summary").focus();
  await other.keyboard.press("Enter");
  const inside = same.locator(".events > li");
  await expect.poll(() => inside.count(), patience).toBeGreaterThan(1);
  await inside.filter({ hasText: "Person appeared" }).first().waitFor();

  await other.getByText("Counts", { exact: true }).focus();
  await other.keyboard.press("Enter");
  await other.getByLabel("Counted by").selectOption("zone");
  await other.getByText("Table", { exact: true }).click();
  const shown = other.getByTestId("counts").getByRole("row", { name: /^lawn/ });
  await shown.waitFor();
  const saved = await other.getByRole("link", { name: "Save as CSV" }).getAttribute("href");
  expect(decodeURIComponent(saved!)).toMatch(/zone,events,seconds\r\n(.*\r\n)*lawn,\d+,/);

  // Looked at when nothing moves any more: the rules are over, and so are their events.
  await putRules({ ...(await rules()), rules: [] });
  await expect
    .poll(
      async () => (await events()).filter(({ phase }) => phase === "start" || phase === "update"),
      patience,
    )
    .toEqual([]);
  await other.reload();
  await other.locator(".event.track summary").first().click();
  await other.getByText("Counts", { exact: true }).click();
  await other.getByRole("img", { name: /^Events by hour/ }).waitFor();
  await expectAccessible(other);
  await other.context().close();
  await putRules({ ...(await rules()), rules: before.rules });
});

test("rules that someone else has changed meanwhile are not overwritten unasked", async () => {
  await page.goto(`${sightline.origin}/cameras/yard/zones`);
  await page.getByRole("button", { name: "Draw line" }).click();
  await stillDrawn();
  await click([0.2, 0.5]);
  await click([0.8, 0.6]);
  await page.getByRole("button", { name: "Line: line 1", exact: true }).waitFor();

  await putRules({ ...(await rules()), lines: [{ name: "kerb", start: [0, 0.5], end: [1, 0.5] }] });
  await page.getByRole("button", { name: "Save rules" }).click();
  await page.getByText("Someone else has changed these rules meanwhile.").waitFor();
  expect((await rules()).lines).toMatchObject([{ name: "kerb" }]);
  await page.getByRole("button", { name: "Overwrite with mine" }).click();
  await page.getByText("Saved; in force from the next frame.").waitFor();
  expect((await rules()).lines).toMatchObject([{ name: "line 1" }]);
});

test("going back with something unsaved asks first, and may be thought better of", async () => {
  await page.goto(`${sightline.origin}/cameras/yard`);
  await page.getByRole("link", { name: "Zones and rules" }).click();
  await page.getByRole("button", { name: "Add a rule" }).click();
  await page.getByText("Not saved yet.").waitFor();
  const goBack = async () => {
    const asked = page.waitForEvent("dialog");
    await page.evaluate("void setTimeout(() => history.back())");
    return asked;
  };
  await (await goBack()).dismiss();
  await expect.poll(() => page.url(), patience).toBe(`${sightline.origin}/cameras/yard/zones`);
  await page.getByText("Not saved yet.").waitFor();
  await (await goBack()).accept();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  await expect.poll(path, patience).toBe("/cameras/yard");
});

test("a privacy mask is drawn, saved though the rules cannot be, black in the next picture, and removed", async () => {
  const masks = async () => (await sightline.api<HttpCamera>("/cameras/yard")).privacyMasks;
  await prepareAccessible(page);
  await page.goto(`${sightline.origin}/cameras/yard/zones`);
  await stillDrawn();
  await page.getByRole("button", { name: "Draw privacy mask" }).click();
  const corners = [
    [0.1, 0.1],
    [0.5, 0.1],
    [0.5, 0.6],
    [0.1, 0.6],
  ] as const;
  for (const corner of corners) await click(corner);
  await click(corners[0]);
  await page.getByRole("button", { name: "Privacy mask", exact: true }).waitFor();
  await drag([0.3, 0.3], [0.4, 0.3]);
  const corner = page.getByRole("button", { name: /^privacy mask, corner 2, / });
  await expect.poll(() => corner.getAttribute("aria-label"), patience).toMatch(/ (59|60|61)\.\d% across/);
  for (let press = 0; press < 2; press++) await corner.press("Shift+ArrowRight");
  await expect.poll(() => corner.getAttribute("aria-label"), patience).toMatch(/ (69|70|71)\.\d% across/);
  await expectAccessible(page);

  // Rules that someone else has changed meanwhile keep no mask from being saved.
  await page.getByRole("button", { name: "Draw line" }).click();
  await page.getByRole("button", { name: "Place one in the middle" }).click();
  await putRules({ ...(await rules()), lines: [{ name: "kerb", start: [0, 0.5], end: [1, 0.5] }] });
  await page.getByRole("button", { name: "Save rules and masks" }).click();
  await page.getByText("Someone else has changed these rules meanwhile.").waitFor();
  await page.getByText("The privacy masks are saved.").waitFor();
  const [saved, ...others] = await masks();
  expect([saved!.length, others]).toEqual([4, []]);
  await page.getByRole("button", { name: "Load their version" }).click();
  await page.getByRole("button", { name: "Line: kerb", exact: true }).waitFor();
  await page.getByText("No changes.").waitFor();

  const patch = (body: object) =>
    fetch(`${sightline.origin}/api/v1/cameras/yard`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  await page.goto(`${sightline.origin}/cameras/yard`);
  const picture = livePicture(page);
  const inside = async () => {
    const shot = await CanvasShot.take(picture);
    const { x, y, width, height } = shot.view;
    const at = (across: number, down: number) =>
      [Math.round(x + across * width), Math.round(y + down * height)] as const;
    const [hidden, ...open] = await shot.colors([at(0.4, 0.35), at(0.85, 0.85), at(0.9, 0.2), at(0.1, 0.9)]);
    return { hidden: Math.max(...hidden!), open: Math.max(...open.flat()) };
  };
  await untilDrawn(picture);
  await expect.poll(async () => (await inside()).hidden, patience).toBeLessThan(30);
  expect((await inside()).open).toBeGreaterThan(60);

  // Of somebody else's change of the masks it is told too; one of another setting is none.
  await page.getByRole("link", { name: "Zones and rules" }).click();
  await page.getByRole("button", { name: "Privacy mask", exact: true }).click();
  await page.getByRole("button", { name: "Remove privacy mask" }).click();
  await patch({ privacyMasks: [saved, saved!.map(([x, y]) => [x / 2, y / 2])] });
  await page.getByRole("button", { name: "Save masks" }).click();
  await page.getByText("Someone else has changed these privacy masks meanwhile.").waitFor();
  expect(await masks()).toHaveLength(2);
  await page.getByRole("button", { name: "Load their version" }).click();
  const listed = page.getByRole("button", { name: "Privacy mask", exact: true });
  await expect.poll(() => listed.count(), patience).toBe(2);
  for (let left = 2; left > 0; left--) {
    await listed.first().click();
    await page.getByRole("button", { name: "Remove privacy mask" }).click();
  }
  await patch({ targetFps: 4 });
  await page.getByRole("button", { name: "Save masks" }).click();
  await page.getByText("Saved; masked from the next picture on.").waitFor();
  expect(await masks()).toEqual([]);
});

test("events of a camera that is removed are found by its name and zones", async () => {
  await fetch(`${sightline.origin}/api/v1/cameras/yard`, { method: "DELETE" });
  await page.goto(`${sightline.origin}/timeline`);
  await page.getByTestId("timeline-yard").getByText("Removed").waitFor();
  await page.getByTestId("timeline-yard").getByRole("link", { name: "yard" }).click();
  await expect.poll(() => page.url(), patience).toBe(`${sightline.origin}/events?camera=yard`);
  await page.goto(`${sightline.origin}/events`);
  await page.getByLabel("Camera", { exact: true }).selectOption("yard (removed)");
  await page.getByLabel("Zone", { exact: true }).selectOption("lawn");
  await expect.poll(() => new URL(page.url()).search, patience).toBe("?camera=yard&zone=lawn");
  const row = page.getByTestId("events").locator("li", { hasText: "entered lawn" });
  await row.nth(1).waitFor();

  // From one event to the next older one, and back.
  await page
    .getByTestId("events")
    .getByRole("link", { name: /entered lawn/ })
    .first()
    .click();
  const opened = page.url();
  await page.getByRole("button", { name: "Older →" }).click();
  await expect.poll(() => page.url(), patience).not.toBe(opened);
  // An event that is opened by its address is asked for, and so are its neighbours.
  await page.goto(page.url());
  await page.getByRole("button", { name: "← Newer" }).click();
  await expect.poll(() => page.url(), patience).toBe(opened);
  await page.keyboard.press("Escape");
  await expect.poll(path, patience).toBe("/events");
});
