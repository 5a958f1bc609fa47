import type { HttpCamera } from "@sightline/contracts";
import { freePort, type RtspCameras } from "@sightline/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { type ConsolePage, ConsoleSystem, patience } from "./console-system.ts";
import { livePicture, shownFrame, untilDrawn } from "./drawn-pictures.ts";

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });

const password = "correct-horse-battery";
let sightline: ConsoleSystem;
let cameras: RtspCameras;
let shown: ConsolePage;
let page: Page;

beforeAll(async () => {
  sightline = await ConsoleSystem.start([password]);
  cameras = await sightline.system.cameras(1, { user: "admin", password });
  shown = await sightline.open("/");
  page = shown.page;
});

afterEach(() => sightline.expectClean());
afterAll(() => sightline?.stop());

const address = (secret: string) => cameras.url("camera-1").replace("rtsp://", `rtsp://admin:${secret}@`);
const camera = (id: string) => sightline.api<HttpCamera>(`/cameras/${id}`);
const tile = (id: string) => page.getByTestId(`tile-${id}`);
const errorAt = async (label: string) => {
  const field = page.getByLabel(label, { exact: true });
  await expect.poll(() => field.getAttribute("aria-invalid"), patience).toBe("true");
  const described = (await field.getAttribute("aria-describedby"))!.split(" ").at(-1);
  return page.locator(`[id="${described}"]`).textContent();
};

test("a wall without cameras says how to get one", async () => {
  await page.getByRole("heading", { name: "No cameras yet", exact: true }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Add a camera" }).click();
  await page.getByRole("heading", { name: "Add a camera", exact: true }).waitFor();
});

test("what is wrong is told at the field where it is, by the page and by the server", async () => {
  const add = page.getByRole("button", { name: "Add camera" });
  await add.click();
  expect(await errorAt("Name")).toContain("a–z");
  expect(await errorAt("Address")).toContain("rtsp://");
  await page.getByLabel("Name", { exact: true }).fill("yard");
  await page.getByLabel("Address").fill("rtsp://host name/x");
  await add.click();
  expect(await errorAt("Address")).not.toBe("");
  await page.getByLabel("Address").fill(address(password));
  await page.getByLabel("Frames per second").fill("many");
  await add.click();
  expect(await errorAt("Frames per second")).toContain("0 to 240");
  expect((await sightline.api<{ cameras: unknown[] }>("/cameras")).cameras).toEqual([]);
});

test("an address that does not work is told with its reason before it is saved", async () => {
  const probe = async (uri: string) => {
    await page.getByLabel("Address").fill(uri);
    await page.getByRole("button", { name: "Test the address" }).click();
    await page.getByTestId("probe-result").locator("b").waitFor();
    return page.getByTestId("probe-result").textContent();
  };
  expect(await probe(`rtsp://127.0.0.1:${await freePort(0)}/x`)).toContain("Connection refused");
  expect(await probe(address("wrong"))).toContain("Unauthorized");
});

test("a camera is tested with a preview, added, and live on the wall", async () => {
  await page.getByLabel("Address").fill(address(password));
  await page.getByRole("button", { name: "Test the address" }).click();
  const preview = page.getByAltText("What the camera sees now");
  await preview.waitFor();
  expect(await preview.evaluate((image: { naturalWidth: number }) => image.naturalWidth)).toBe(768);
  expect(await page.getByTestId("probe-result").textContent()).toContain("768 × 576");
  await page.getByLabel("Frames per second").fill("5");
  await page.getByRole("button", { name: "Add camera" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  await untilDrawn(livePicture(page));
  expect(await camera("yard")).toMatchObject({ uri: cameras.url("camera-1"), hasCredentials: true });

  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  await expect.poll(() => tile("yard").getAttribute("data-state"), patience).toBe("live");
  expect(await tile("yard").getByTestId("dark-notice").count()).toBe(0);
});

test("a name that is taken is told at the field", async () => {
  await page.getByRole("link", { name: "Add camera" }).click();
  await page.getByLabel("Name", { exact: true }).fill("yard");
  await page.getByLabel("Address").fill(address(password));
  await page.getByRole("button", { name: "Add camera" }).click();
  expect(await errorAt("Name")).toContain("already registered");
});

test("a camera that dies tells why and what to do, and comes back by itself", async () => {
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  const headline = page.getByTestId("headline");
  cameras.fault("die");
  await tile("yard").getByTestId("dark-notice").waitFor();
  await expect.poll(() => headline.getAttribute("data-level"), patience).toBe("error");
  await tile("yard").getByRole("link", { name: "yard" }).click();
  await page.getByRole("heading", { name: "Why is it dark?", exact: true }).waitFor();
  await expect
    .poll(() => page.getByTestId("dark-notice").textContent(), patience)
    .toContain("Connection refused");
  const findings = page.getByTestId("findings");
  await expect.poll(() => findings.textContent(), patience).toContain("nothing listens at the camera's port");
  expect(await findings.locator(".fix").first().textContent()).toContain("Check the port");
  await page.getByTestId("events").getByText("Camera went down").first().waitFor();

  const before = await shownFrame(livePicture(page));
  cameras.fault("revive");
  await page.getByTestId("dark-notice").waitFor({ state: "detached" });
  await untilDrawn(livePicture(page), before);
  await page.getByTestId("events").getByText("Camera is back").first().waitFor();
});

test("a restarted server is noticed, and the page catches up by itself", async () => {
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  const { stack, ports } = sightline.system;
  await stack.process("results").stop();
  await page.getByTestId("connection-banner").waitFor();
  await expect
    .poll(() => page.getByTestId("headline-text").textContent(), patience)
    .toContain("server does not answer");
  const before = await shownFrame(livePicture(page, "yard"));
  await stack.startService("results");
  await stack.ready("results", `http://127.0.0.1:${ports.results}/readyz`, AbortSignal.timeout(60_000));
  await page.getByTestId("connection-banner").waitFor({ state: "detached" });
  await untilDrawn(livePicture(page, "yard"), before);
  await sightline.system.register("spare", { uri: `rtsp://127.0.0.1:${await freePort(0)}/x` });
  await tile("spare").waitFor();
});

test("a camera's settings are changed, and only those", async () => {
  const before = await camera("yard");
  await page.goto(`${sightline.origin}/cameras/yard`);
  await page.getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Frames per second").fill("4");
  await page.getByRole("checkbox", { name: "person", exact: true }).check();
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  const after = await camera("yard");
  expect(after).toMatchObject({ targetFps: 4, classes: ["person"], uri: before.uri, hasCredentials: true });
  expect(after.model).toBe(before.model);
  await untilDrawn(livePicture(page));
});

test("a camera is deleted once that is confirmed", async () => {
  await page.goto(`${sightline.origin}/cameras/spare`);
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Keep it" }).click();
  expect(await camera("spare")).toMatchObject({ id: "spare" });
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await page.getByRole("button", { name: "Delete camera" }).click();
  await page.getByRole("heading", { name: "Cameras", exact: true, level: 1 }).waitFor();
  await tile("yard").waitFor();
  expect(await tile("spare").count()).toBe(0);
  expect(await camera("spare")).toMatchObject({ code: "camera_not_found" });
});
