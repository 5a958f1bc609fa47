import type { HttpCamera } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import type { RtspCameras } from "@sightline/stack";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { livePicture, shownFrame, untilDrawn } from "./canvas-shot.ts";
import { type ConsolePage, ConsoleSystem, patience } from "./console-system.ts";

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
/** What is told at a field, `undefined` when nothing is; there may be another fault at it from before. */
const errorAt = async (label: string) => {
  const field = page.getByLabel(label, { exact: true });
  if ((await field.getAttribute("aria-invalid")) !== "true") return undefined;
  const described = (await field.getAttribute("aria-describedby"))!.split(" ").at(-1);
  return page.locator(`[id="${described}"]`).textContent();
};
/** By its whole label: a question about the address has the word in its name, and is there for a moment after it was closed. */
const addressField = () => page.getByLabel("Address", { exact: true });
const expectErrorAt = (label: string) => expect.poll(() => errorAt(label), patience);
/** Says yes to the question whether a camera is added that was not seen to work. */
async function addAnyway(told: string): Promise<void> {
  const question = page.getByRole("dialog");
  await question.getByText(told).waitFor();
  await question.getByRole("button", { name: "Add it anyway" }).click();
}
const probeResult = () => page.getByTestId("probe-result").textContent();

test("a wall without cameras says how to get one", async () => {
  await page.getByRole("heading", { name: "No cameras yet", exact: true }).waitFor();
  await page.getByRole("main").getByRole("link", { name: "Add a camera" }).click();
  await page.getByRole("heading", { name: "Add a camera", exact: true }).waitFor();
});

test("what is wrong is told at the field where it is, by the page and by the server", async () => {
  const add = page.getByRole("button", { name: "Add camera" });
  await add.click();
  await expectErrorAt("Name").toContain("a–z");
  await expectErrorAt("Address").toContain("rtsp://");
  await page.getByLabel("Name", { exact: true }).fill("yard");
  await expectErrorAt("Name").toBeUndefined();
  await addressField().fill("ftp://10.0.0.5/");
  await expect.poll(probeResult, patience).toContain("It cannot be tested. An address begins with rtsp://");
  await page.getByRole("button", { name: "Test the address" }).click();
  await expectErrorAt("Address").toContain("begins with rtsp://");
  await addressField().fill("rtsp://host name/x");
  await add.click();
  await addAnyway("has not been tested");
  await expectErrorAt("Address").toMatch(/\w/);
  await addressField().fill(address(password));
  await page.getByLabel("Frames per second").fill("many");
  await page.getByLabel("Video track").fill("17");
  await add.click();
  await expectErrorAt("Frames per second").toContain("0 to 240");
  await expectErrorAt("Video track").toContain("16");
  await page.getByLabel("Video track").fill("1");
  expect((await sightline.api<{ cameras: unknown[] }>("/cameras")).cameras).toEqual([]);
});

test("an address that does not work is told with its reason before it is saved", async () => {
  const probe = async (uri: string) => {
    await addressField().fill(uri);
    await page.getByRole("button", { name: "Test the address" }).click();
  };
  await probe(`rtsp://127.0.0.1:${await freePort()}/x`);
  await expect.poll(probeResult, patience).toContain("Connection refused");
  await probe(address("wrong"));
  await expect.poll(probeResult, patience).toContain("Unauthorized");
  await page.getByLabel("Frames per second").fill("5");
  await page.getByRole("button", { name: "Add camera" }).click();
  await page.getByRole("dialog").getByText("The test of this address failed").waitFor();
  await page.getByRole("button", { name: "Back to the form" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  expect((await sightline.api<{ cameras: unknown[] }>("/cameras")).cameras).toEqual([]);
});

test("a camera is tested with a preview, added, and live on the wall", async () => {
  await addressField().fill(address(password));
  await page.getByRole("button", { name: "Test the address" }).click();
  const preview = page.getByAltText("What the camera sees now");
  await preview.waitFor();
  const width = () => preview.evaluate((image: { naturalWidth: number }) => image.naturalWidth);
  await expect.poll(width, patience).toBe(768);
  await expect.poll(probeResult, patience).toContain("768 × 576");
  await page.getByTestId("model-notice").getByText("finds people only").waitFor();
  await page.getByRole("button", { name: "Add camera" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  await untilDrawn(livePicture(page));
  expect(await camera("yard")).toMatchObject({ uri: cameras.url("camera-1"), hasCredentials: true });

  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  await expect.poll(() => tile("yard").getAttribute("data-state"), patience).toBe("live");
  await tile("yard").getByTestId("dark-notice").waitFor({ state: "detached" });
});

test("a name that is taken is told at the field", async () => {
  await page.getByRole("link", { name: "Add camera" }).click();
  await page.getByLabel("Name", { exact: true }).fill("yard");
  await addressField().fill(address(password));
  await page.getByRole("button", { name: "Add camera" }).click();
  await addAnyway("has not been tested");
  await expectErrorAt("Name").toContain("already registered");
});

test("a camera that dies tells why and what to do, and comes back by itself", async () => {
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  const headline = page.getByTestId("headline");
  await cameras.fault("die");
  await expect
    .poll(() => tile("yard").getByTestId("dark-notice").textContent(), patience)
    .toMatch(/^Connection refused.*Check the port/);
  await expect.poll(() => headline.getAttribute("data-level"), patience).toBe("error");
  await tile("yard").getByRole("link", { name: "yard", exact: true }).click();
  await page.getByRole("heading", { name: "Why is it dark?", exact: true }).waitFor();
  await expect
    .poll(() => page.getByTestId("dark-notice").textContent(), patience)
    .toContain("Connection refused");
  const findings = page.getByTestId("findings");
  await expect.poll(() => findings.textContent(), patience).toContain("nothing listens on the camera's port");
  const fixes = async () => (await findings.locator(".fix").allTextContents()).join("\n");
  await expect.poll(fixes, patience).toContain("Check the port");
  await page.getByTestId("events").getByText("Camera went down").first().waitFor();

  const before = await shownFrame(livePicture(page));
  await cameras.fault("revive");
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
  await sightline.system.register("spare", { uri: `rtsp://127.0.0.1:${await freePort()}/x` });
  await tile("spare").waitFor();
});

test("cameras that no worker looks at say so, and what to do", async () => {
  await page.getByRole("link", { name: "Cameras", exact: true }).click();
  await untilDrawn(livePicture(page, "yard"));
  const { stack, ports } = sightline.system;
  await stack.process("inference").stop();
  const notice = tile("yard").getByTestId("dark-notice");
  await expect.poll(() => notice.textContent(), patience).toMatch(/^No worker for its model.*Start a worker/);
  await expect
    .poll(() => page.getByTestId("headline-text").textContent(), patience)
    .toContain("nothing is analysed");
  const before = await shownFrame(livePicture(page, "yard"));
  // Nobody can check a class now.
  const classes = (names: string[]) =>
    fetch(`${sightline.origin}/api/v1/cameras/yard`, {
      method: "PATCH",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ classes: names }),
    });
  await classes(["person", "dog"]);
  await stack.startService("inference");
  await stack.ready("inference", `http://127.0.0.1:${ports.inference}/readyz`, AbortSignal.timeout(60_000));
  await notice.waitFor({ state: "detached" });
  await untilDrawn(livePicture(page, "yard"), before);
  const trouble = tile("yard").getByRole("button", { name: /does not know what .* \(dog\)/ });
  await trouble.click();
  expect(await trouble.textContent()).toContain("Choose among the classes that the model knows");
  expect(new URL(page.url()).pathname).toBe("/");
  await trouble.click();
  expect(await trouble.textContent()).not.toContain("Choose");
  await classes([]);
});

test("a camera's settings are changed, and only those", async () => {
  const before = await camera("yard");
  await page.goto(`${sightline.origin}/cameras/yard`);
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Frames per second").fill("4");
  await page.getByRole("checkbox", { name: "person", exact: true }).check();
  expect(await page.getByLabel("Video track").inputValue()).toBe("1");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  const after = await camera("yard");
  expect(after).toMatchObject({
    videoTrack: 1,
    targetFps: 4,
    classes: ["person"],
    uri: before.uri,
    hasCredentials: true,
  });
  expect(after.model).toBe(before.model);
  await untilDrawn(livePicture(page));
});

test("a floor that cannot be promised is refused at its field, with what can be; one that can is shown", async () => {
  await page.goto(`${sightline.origin}/cameras/yard/edit`);
  await page.getByLabel("Frames per second").fill("");
  const floor = page.getByLabel("Floor", { exact: true });
  await floor.fill("240");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expectErrorAt("Floor").toMatch(/^The floor 240 cannot be promised: .* frames\/s, of which/);
  await page.getByLabel("Frames per second").fill("4");
  await floor.fill("5");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expectErrorAt("Floor").toContain("No more can be promised");
  await floor.fill("2");
  await page.getByLabel("Weight", { exact: true }).fill("1,5");
  await page.getByLabel("Priority", { exact: true }).fill("-1");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  expect(await camera("yard")).toMatchObject({ targetFps: 4, floorFps: 2, weight: 1.5, priority: -1 });
  const facts = page.locator(".facts");
  await expect.poll(() => facts.textContent(), patience).toContain("Floor2 frames per second, priority -1");
  await expect.poll(async () => (await camera("yard")).status.promisedFps, patience).toBe(2);
});

test("another stream is recorded once both were tested, and the camera's page tells how it fares", async () => {
  await page.goto(`${sightline.origin}/cameras/yard/edit`);
  const recorded = page.getByLabel("Record another stream");
  await recorded.fill("ftp://x");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expectErrorAt("Record another stream").toContain("begins with rtsp://");
  await addressField().fill(address(password));
  await recorded.fill(address("wrong"));
  await page.getByRole("button", { name: "Test the address" }).click();
  await expect.poll(probeResult, patience).toMatch(/768 × 576[\s\S]*What is recorded.*Unauthorized/);
  await recorded.fill(address(password));
  await page.getByRole("button", { name: "Test the address" }).click();
  await page.getByAltText("What is recorded now").waitFor();
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  expect(await camera("yard")).toMatchObject({
    recordUri: cameras.url("camera-1"),
    hasRecordCredentials: true,
  });
  const facts = page.locator(".facts");
  await expect.poll(() => facts.textContent(), patience).toContain("Recorded streamlive, h264, 768 × 576");
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await page.getByLabel("Record another stream").fill("");
  await page.getByRole("button", { name: "Save changes" }).click();
  await expect.poll(() => facts.textContent(), patience).not.toContain("Recorded");
  expect(await camera("yard")).toMatchObject({ recordUri: "", hasRecordCredentials: false });
});

test("the system page tells how much of NATS's disk is free", async () => {
  await page.goto(`${sightline.origin}/system`);
  const storage = page.getByTestId("storage");
  await expect
    .poll(() => storage.textContent(), patience)
    .toMatch(/^Disk of NATS: [\d.]+\s[kMGT]B of [\d.]+\s[kMGT]B free \(\/.+\)/);
  await page.setViewportSize({ width: 390, height: 844 });
  for (const table of ["models", "streams"])
    expect(
      await page.getByTestId(table).evaluate((each) => each.scrollWidth - each.parentElement!.clientWidth),
    ).toBeLessThanOrEqual(0);
  await page.setViewportSize({ width: 1280, height: 900 });
});

test("what someone else has changed meanwhile stays, and so does what was changed here", async () => {
  await page.goto(`${sightline.origin}/cameras/yard/edit`);
  await page.getByLabel("Frames per second").fill("3");
  const answer = await fetch(`${sightline.origin}/api/v1/cameras/yard`, {
    method: "PATCH",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ minScore: 0.25 }),
  });
  expect(answer.status).toBe(200);
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("someone else has changed this camera meanwhile").waitFor();
  await expect.poll(() => page.getByLabel("Minimum score").inputValue(), patience).toBe("0.25");
  expect(await page.getByLabel("Frames per second").inputValue()).toBe("3");
  await page.getByRole("button", { name: "Save changes" }).click();
  await page.getByRole("heading", { name: "yard", exact: true, level: 1 }).waitFor();
  expect(await camera("yard")).toMatchObject({ targetFps: 3, minScore: 0.25 });
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
  await tile("spare").waitFor({ state: "detached" });
  expect(await camera("spare")).toMatchObject({ code: "camera_not_found" });
});
