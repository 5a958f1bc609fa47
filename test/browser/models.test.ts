import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { connect } from "@sightline/client";
import { projectRoot } from "@sightline/stack";
import type { Locator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { expectAccessible, prepareAccessible, pressAt } from "./accessible.ts";
import { ConsoleSystem, patience } from "./console-system.ts";

vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });

const bundled = "yolo-nas-pedestrians";
const models = mkdtempSync(join(tmpdir(), "sightline-models-"));
const files = mkdtempSync(join(tmpdir(), "sightline-uploads-"));
let sightline: ConsoleSystem;

beforeAll(async () => {
  cpSync(join(projectRoot, "models", bundled), join(models, bundled), { recursive: true });
  sightline = await ConsoleSystem.start([], { SIGHTLINE_MODEL_DIR: models, SIGHTLINE_MODELS: "all" });
});
afterEach(async () => {
  sightline.expectClean();
  await sightline.closePages();
});
afterAll(async () => {
  await sightline?.stop();
  for (const folder of [models, files]) rmSync(folder, { recursive: true, force: true });
});

/** A small export of a family, on disk. */
function small(family: string): string {
  const path = join(files, `${family}.onnx`);
  const fixtures = join(projectRoot, "packages/yolo-nas/fixtures/families");
  writeFileSync(path, gunzipSync(readFileSync(join(fixtures, `${family}.onnx.gz`))));
  return path;
}

async function openModels(): Promise<Page> {
  const { page } = await sightline.blank();
  await prepareAccessible(page);
  await page.goto(`${sightline.origin}/models`);
  await page.getByTestId(`model-${bundled}`).waitFor();
  return page;
}

const job = (page: Page, title: string): Locator =>
  page.locator(".job").filter({ has: page.getByRole("heading", { name: title, exact: true }) });

const ended = (of: Locator): Locator =>
  of.and(of.page().locator('[data-state="done"], [data-state="failed"]'));

const confirm = (page: Page, name: string) =>
  page.getByRole("dialog").getByRole("button", { name, exact: true }).click();

test("an export becomes a model and a version of it, is looked at, activated, gone back from and deleted", async () => {
  const page = await openModels();
  await page.getByLabel("ONNX file").setInputFiles(small("yolox"));
  expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("yolox");
  await page.getByLabel("Name", { exact: true }).fill("street");
  await page.getByLabel("Names of its classes").fill("person, car\ndog");
  await page.getByText("Pictures as it was trained with").click();
  await expectAccessible(page);
  await pressAt(page, page.getByRole("button", { name: "Upload the model" }));

  const first = job(page, "yolox.onnx as street");
  await ended(first).waitFor();
  expect(await first.textContent()).toMatch(/Done: version [0-9a-f]{12}.*This is YOLOX/s);
  const card = page.getByTestId("model-street");
  await card
    .getByRole("button", { name: /^Inspect/ })
    .first()
    .click();
  const inspection = card.getByTestId("inspection");
  await inspection.getByText("This is Sightline's prepared form").waitFor();
  expect(await inspection.textContent()).toMatch(
    /yolox, frames of 96 × 64, person, car, dog.*FP32.*Its accuracy was not recorded/s,
  );

  // A camera that asks for it makes a worker load it; then another version can take its place.
  const cameras = await sightline.system.cameras(1);
  await sightline.system.register("yard", { uri: cameras.url("camera-1"), model: "street" });
  await card.getByText("Loaded by").locator("..").getByText("1 worker").waitFor();
  await page.getByLabel("ONNX file").setInputFiles(small("yolox-undecoded"));
  await page.getByLabel("It becomes").selectOption("street");
  await page.getByLabel("Names of its classes").fill("person, car, dog");
  await page.getByRole("button", { name: "Upload the model" }).click();
  await ended(job(page, "yolox-undecoded.onnx as a version of street")).waitFor();
  await card.getByRole("button", { name: "Activate version 2 of street" }).click();
  await confirm(page, "Activate");
  await card.getByText(/^Version 2 \([0-9a-f]{12}\) of street is active/).waitFor();
  await card.getByRole("button", { name: "Roll back street" }).click();
  await confirm(page, "Roll back");
  await card.getByText(/^Version 1 \([0-9a-f]{12}\) of street is active/).waitFor();
  await expectAccessible(page);
  await card.getByRole("button", { name: "Delete version 2 of street" }).click();
  await confirm(page, "Delete");
  await card.getByText(/is deleted/).waitFor();
  await sightline.system.remove("yard");
});

test("what is no model is refused in plain words", async () => {
  const page = await openModels();
  const notes = join(files, "notes.onnx");
  writeFileSync(notes, "only text");
  await page.getByLabel("ONNX file").setInputFiles(notes);
  await page.getByRole("button", { name: "Upload the model" }).click();
  const failed = job(page, "notes.onnx as notes");
  await ended(failed).waitFor();
  expect(await failed.textContent()).toContain("The file is not an ONNX model");
  await page.getByLabel("ONNX file").setInputFiles(small("yolox"));
  await page.getByLabel("Name", { exact: true }).fill(bundled);
  await page.getByRole("button", { name: "Upload the model" }).click();
  await page.getByText(`There is a model '${bundled}' already; bring the file as a version of it`).waitFor();
  await failed.getByRole("button", { name: "Remove notes.onnx as notes" }).click();
  await failed.waitFor({ state: "detached" });
});

test("two precisions are scored side by side on a labelled clip", async () => {
  const { images, annotations, ...rest } = JSON.parse(
    readFileSync(join(models, bundled, "labels/eval.coco.json"), "utf8"),
  );
  const few = new Set(images.slice(0, 6).map(({ id }: { id: number }) => id));
  const labels = join(files, "labels.json");
  writeFileSync(
    labels,
    JSON.stringify({
      ...rest,
      images: images.filter(({ id }: { id: number }) => few.has(id)),
      annotations: annotations.filter((each: { image_id: number }) => few.has(each.image_id)),
    }),
  );
  const page = await openModels();
  await page
    .getByLabel("Clip", { exact: true })
    .setInputFiles(join(projectRoot, "test/fixtures/pedestrians.mp4"));
  await page.getByLabel("Labels", { exact: true }).setInputFiles(labels);
  await page.getByLabel("Model", { exact: true }).selectOption(bundled);
  await page.getByLabel("Model: precision").selectOption("int8");
  await page.getByLabel("Beside it", { exact: true }).selectOption(bundled);
  await page.getByLabel("Beside it: precision").selectOption("fp32");
  await page.getByRole("button", { name: "Evaluate", exact: true }).click();
  const evaluated = job(page, `${bundled} INT8 beside ${bundled} FP32 on pedestrians.mp4`);
  await ended(evaluated).waitFor();
  const rows = await evaluated.getByRole("row").allTextContents();
  expect(rows[0]).toMatch(/int8Cpu.*fp32.*Difference/);
  expect(rows).toHaveLength(15);
  expect(rows.find((row) => row.startsWith("AP 0.50:0.95"))).toMatch(
    /^AP 0.50:0.95\d\d\.\d\d\d\.\d[+-]?\d+\.\d$/,
  );
  expect(await evaluated.textContent()).toContain("6 frames");
  await expectAccessible(page);
});

test("who is no administrator sees all of it, and no forms", async () => {
  const { ports } = sightline.system;
  const open = connect(`127.0.0.1:${ports.grpc}`);
  await open.access.createUser("root", { role: "admin", password: "first of all passwords" });
  open.close();
  const admin = connect(`127.0.0.1:${ports.grpc}`);
  const { secret } = await admin.access.logIn("root", "first of all passwords");
  admin.close();
  const root = connect(`127.0.0.1:${ports.grpc}`, { token: secret });
  await root.access.createUser("guard", { role: "viewer", password: "only to look at it" });
  root.close();

  const { page } = await sightline.blank();
  await prepareAccessible(page);
  await page.goto(`${sightline.origin}/models`);
  await page.getByLabel("User").fill("guard");
  await page.getByLabel("Password").fill("only to look at it");
  await page.getByRole("button", { name: "Log in", exact: true }).click();
  await page.locator('nav a[href="/models"]').click();
  await page.getByTestId("scores").waitFor();
  await job(page, "yolox.onnx as street").waitFor();
  await page
    .getByTestId(`model-${bundled}`)
    .getByRole("button", { name: /^Inspect/ })
    .first()
    .click();
  await page
    .getByTestId("inspection")
    .getByText(/AP \d\d\.\d.*measured for/)
    .first()
    .waitFor(patience);
  for (const form of ["Upload a model", "Evaluate on a labelled clip"])
    expect(await page.getByRole("form", { name: form }).count()).toBe(0);
  for (const button of [/^Activate/, /^Delete/, /^Remove/, /^Roll/])
    expect(await page.getByRole("button", { name: button }).count()).toBe(0);
  await expectAccessible(page);
  const status = await page.evaluate(async () => {
    const body = JSON.stringify({ model: "x", isNew: true, file: { fileName: "x.onnx", bytes: 1 } });
    const headers = { "content-type": "application/json" };
    return (await fetch("/api/v1/model-jobs/import", { method: "POST", headers, body })).status;
  });
  expect(status).toBe(403);
  expect(existsSync(join(models, "x"))).toBe(false);
});
