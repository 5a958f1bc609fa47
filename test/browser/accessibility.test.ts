import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpRules } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { modelVersion, parseManifest, writeManifest } from "@sightline/yolo-nas";
import type { Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { expectAccessible, prepareAccessible, pressAt, tabTo, typeAt } from "./accessible.ts";
import { livePicture, shownFrame, untilDrawn } from "./canvas-shot.ts";
import { ConsoleSystem, patience } from "./console-system.ts";

let sightline: ConsoleSystem;
let address: string;
let models: string;

beforeAll(async () => {
  models = mkdtempSync(join(tmpdir(), "sightline-models-"));
  await copyModel(models);
  sightline = await ConsoleSystem.start([], { SIGHTLINE_MODEL_DIR: models });
  const { system, origin } = sightline;
  const cameras = await system.cameras(2);
  address = cameras.url("camera-2");
  await system.register("entrance", { uri: cameras.url("camera-1"), targetFps: 3 });
  const nowhere = `rtsp://127.0.0.1:${await freePort()}/x`;
  await system.register("gate", { uri: nowhere });
  // As long a name as there may be: no page becomes wider for it.
  await system.register(`gate-${"x".repeat(58)}`, { uri: nowhere });
  const rules = {
    zones: [
      {
        name: "lawn",
        polygon: [
          [0, 0],
          [1, 0],
          [1, 1],
          [0, 1],
        ],
      },
    ],
    lines: [{ name: "kerb", start: [0.3, 0.5], end: [0.9, 0.8] }],
    masks: [
      {
        mode: "exclude",
        polygon: [
          [0, 0],
          [0.1, 0],
          [0, 0.1],
        ],
      },
    ],
    rules: [{ type: "entered_zone", zone: "lawn" }],
  };
  const answer = await fetch(`${origin}/api/v1/cameras/entrance/rules`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(rules),
  });
  expect(answer.status).toBe(200);
});

afterEach(async () => {
  sightline.expectClean();
  await sightline.closePages();
});
afterAll(async () => {
  await sightline?.stop();
  rmSync(models, { recursive: true, force: true });
});

/** Puts the bundled model into a directory of models, and as a further version the same without its TensorRT file. */
async function copyModel(directory: string): Promise<void> {
  const name = "yolo-nas-pedestrians";
  const bundled = join(projectRoot, "models", name);
  const manifest = await parseManifest(join(bundled, "model.json"));
  const { int8Trt: _, ...files } = manifest.files;
  const version = modelVersion(files);
  const further = join(directory, name, "versions", version);
  for (const folder of [join(directory, name), further]) {
    mkdirSync(folder, { recursive: true });
    for (const file of ["fp32.onnx", "int8.cpu.onnx", "int8.trt.onnx", "model.json"])
      copyFileSync(join(bundled, file), join(folder, file));
  }
  const { int8Trt: _ap, ...accuracy } = manifest.accuracy ?? {};
  await writeManifest(further, { ...manifest, version, files, accuracy });
}

/** Pages, each brought into the state in which it shows the most. */
const pages: [name: string, path: string, bring: (page: Page) => Promise<unknown>][] = [
  ["the wall", "/", (page) => untilDrawn(livePicture(page, "entrance"))],
  ["a camera", "/cameras/entrance", (page) => page.getByTestId("events").locator("li img").first().waitFor()],
  ["a dark camera", "/cameras/gate", (page) => page.getByText("Connection refused").first().waitFor()],
  [
    "the question before a camera is deleted",
    "/cameras/gate",
    async (page) => {
      await page.getByRole("button", { name: "Delete", exact: true }).click();
      await page.getByRole("button", { name: "Delete camera", exact: true }).waitFor();
    },
  ],
  [
    "a camera to add, with mistakes",
    "/add",
    async (page) => {
      await page.getByRole("button", { name: "Add camera" }).click();
      await page.getByLabel("Address", { exact: true }).fill("rtsp://127.0.0.1:1/x");
      await page.getByRole("button", { name: "Test the address" }).click();
      await page.getByTestId("probe-result").locator("b").waitFor();
    },
  ],
  [
    "a camera's settings",
    "/cameras/entrance/edit",
    (page) => page.getByRole("checkbox", { name: "person", exact: true }).waitFor(),
  ],
  [
    "zones and rules",
    "/cameras/entrance/zones",
    async (page) => {
      await page.getByRole("button", { name: "Zone: lawn", exact: true }).click();
      await page.getByRole("button", { name: "Add a rule" }).click();
      await page.locator(".scene-place img").waitFor();
    },
  ],
  ["events", "/events", (page) => page.getByTestId("events").locator("li img").first().waitFor()],
  [
    "a snapshot",
    "/events",
    async (page) => {
      const snapshot = page.getByRole("link", { name: /^Show the snapshot/ });
      await snapshot.first().click();
      await page.getByRole("dialog").getByRole("img").waitFor();
    },
  ],
  [
    "no events",
    "/events?type=crossed_line&class=none",
    (page) => page.getByText("No event that is kept passes this filter.").waitFor(),
  ],
  [
    "the timeline of all cameras, with a recording",
    "/timeline",
    async (page) => {
      const row = page.getByTestId("timeline-entrance");
      await row.locator(".recorded").first().waitFor();
      await row.getByRole("slider").focus();
      await page.keyboard.press("ArrowLeft");
      await expect
        .poll(() => page.locator("canvas.box-layer").getAttribute("data-frame"), patience)
        .toMatch(/\d/);
    },
  ],
  ["the system", "/system", (page) => page.getByTestId("workers").waitFor()],
  [
    "models, and the report of a shadow that runs",
    "/models",
    async (page) => {
      await page.getByRole("combobox", { name: "Camera" }).selectOption("entrance");
      await page.getByRole("combobox", { name: "Precision", exact: true }).selectOption("fp32");
      await page.getByRole("combobox", { name: "Share of the frames" }).selectOption("1");
      await page.getByRole("button", { name: "Start the shadow" }).click();
      await page
        .getByTestId("shadow-report")
        .getByRole("img", { name: /gained/ })
        .first()
        .waitFor();
    },
  ],
  [
    "settings of an open server",
    "/settings",
    (page) => page.getByRole("heading", { name: "This server is open" }).waitFor(),
  ],
  ["no such camera", "/cameras/none", (page) => page.getByText("There is no camera of this name").waitFor()],
  ["no such page", "/nowhere", (page) => page.getByRole("heading", { level: 1 }).waitFor()],
];

test.for(pages)("%s: accessible in light and dark, wide and narrow", async ([, path, bring]) => {
  const { page } = await sightline.blank();
  await prepareAccessible(page);
  await page.goto(sightline.origin + path);
  await bring(page);
  await expectAccessible(page);
});

test("another version of a model is activated, and gone back from, with the keyboard alone", async () => {
  const { page } = await sightline.open("/models");
  const model = page.getByTestId("model-yolo-nas-pedestrians");
  const active = model.getByRole("row").filter({ hasText: "active" });
  await active.filter({ hasText: /^1/ }).waitFor();
  await pressAt(page, page.getByRole("button", { name: "Activate version 2 of yolo-nas-pedestrians" }));
  await pressAt(page, page.getByRole("dialog").getByRole("button", { name: "Activate", exact: true }));
  await model.getByText(/^Version 2 \(.*\) of yolo-nas-pedestrians is active/).waitFor();
  await active.filter({ hasText: /^2/ }).waitFor();
  await pressAt(page, page.getByRole("button", { name: "Roll back yolo-nas-pedestrians" }));
  await pressAt(page, page.getByRole("dialog").getByRole("button", { name: "Roll back", exact: true }));
  await active.filter({ hasText: /^1/ }).waitFor();
});

test("a camera is added, given a zone, and deleted with the keyboard alone", async () => {
  const { page } = await sightline.open("/");
  await pressAt(page, page.getByRole("link", { name: "Skip to content" }));
  await pressAt(page, page.getByRole("link", { name: "Add camera" }));
  await page.getByRole("heading", { name: "Add a camera", exact: true }).waitFor();
  await typeAt(page, page.getByLabel("Name", { exact: true }), "porch");
  await typeAt(page, page.getByLabel("Address", { exact: true }), address);
  await pressAt(page, page.getByRole("button", { name: "Test the address" }));
  await page.getByAltText("What the camera sees now").waitFor();
  await typeAt(page, page.getByLabel("Frames per second"), "3");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "porch", exact: true, level: 1 }).waitFor();
  await untilDrawn(livePicture(page));

  await pressAt(page, page.getByRole("link", { name: "Zones and rules" }));
  await pressAt(page, page.getByRole("button", { name: "Draw zone" }));
  await pressAt(page, page.getByRole("button", { name: "Place one in the middle" }));
  const corner = page.getByRole("button", { name: /^zone 1, corner 1/ });
  await tabTo(page, corner);
  const place = async () =>
    /([\d.]+)% across, ([\d.]+)% down/
      .exec((await corner.getAttribute("aria-label"))!)!
      .slice(1)
      .map(Number);
  const [across, down] = (await place()) as [number, number];
  await page.keyboard.press("Shift+ArrowLeft");
  await page.keyboard.press("ArrowUp");
  await expect.poll(place, patience).toEqual([across - 5, down - 0.5]);
  await pressAt(page, page.getByRole("button", { name: "Add a rule" }));
  await pressAt(page, page.getByRole("button", { name: "Save rules" }));
  await page.getByText("Saved; in force from the next frame.").waitFor();
  const { zones, rules } = await sightline.api<HttpRules>("/cameras/porch/rules");
  expect([zones.length, rules.length]).toEqual([1, 1]);
  expect(zones[0]!.polygon[0]![0]).toBeCloseTo((across - 5) / 100, 5);

  await pressAt(page, page.getByRole("link", { name: "Back to the camera" }));
  await pressAt(page, page.getByRole("button", { name: "Delete", exact: true }));
  await pressAt(page, page.getByRole("button", { name: "Delete camera" }));
  await page.getByRole("heading", { name: "Cameras", exact: true, level: 1 }).waitFor();
  expect((await fetch(`${sightline.origin}/api/v1/cameras/porch`)).status).toBe(404);
});

test("what needs attention is told to those who do not see it", async () => {
  const { page } = await sightline.open("/");
  await expect
    .poll(() => page.getByTestId("headline").getByRole("status").textContent(), patience)
    .toBe("The system has a fault");
  const before = await shownFrame(livePicture(page, "entrance"));
  await untilDrawn(livePicture(page, "entrance"), before);
  await page.getByRole("img", { name: "Live picture of camera entrance" }).waitFor();
});
