import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import {
  Event,
  EventPhase,
  EventType,
  FrameDetections,
  subjects,
  TimelineEntry,
  toTimestamp,
} from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import { extract } from "tar-stream";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ResultsProcess, runCommand } from "../testing/command-line.ts";

/** A whole second, some seconds ago. */
const begin = Math.floor(Date.now() / 1_000) * 1_000 - 10_000;
const at = (second: number) => new Date(begin + second * 1_000).toISOString();
const directory = mkdtempSync(join(tmpdir(), "sightline-export-"));
let results: ResultsProcess;
beforeAll(async () => {
  results = await ResultsProcess.start();
  const nats = await connectNats(results.nats.url, "test", createLogger("test", "fatal"));
  for (const number of [1, 2, 3]) {
    const value = sampleFrame(number);
    const entry = TimelineEntry.fromPartial({ entry: { $case: "frame", value } });
    await nats.jetstream.publish(subjects.timeline("front"), TimelineEntry.encode(entry).finish());
    const event = Event.fromPartial({
      name: `cameras/front/events/e${number}`,
      type: EventType.ENTERED_ZONE,
      phase: EventPhase.ONCE,
      revision: 1,
      zone: "door",
      rule: 'the "door", left',
      startTime: toTimestamp(begin + number * 1_000),
      updateTime: toTimestamp(begin + number * 1_000),
      track: { id: `t${number}`, className: "person", score: 0.5, bestScore: 0.75 },
    });
    await nats.jetstream.publish(subjects.event("front", `e${number}`), Event.encode(event).finish());
  }
  await nats.connection.close();
});
afterAll(async () => {
  await results.stop();
  rmSync(directory, { recursive: true });
});

/** Frame 1 has nothing in it, frame 2 a person, frame 3 a person and a dog. */
function sampleFrame(number: number): FrameDetections {
  const found = [[0, "person"] as const, [16, "dog"] as const].slice(0, number - 1);
  return FrameDetections.fromPartial({
    frame: {
      camera: "cameras/front",
      epoch: "e1",
      number,
      previousNumber: number - 1,
      captureTime: toTimestamp(begin + number * 1_000),
      sourceWidth: 1920,
      sourceHeight: 1080,
    },
    detections: found.map(([classId, className]) => ({
      classId,
      className,
      score: 0.9,
      trackId: `t${number}`,
      pixelBox: { xMin: 10.5, yMin: 20, xMax: 110.25, yMax: 220 },
      normalizedBox: { xMin: 0.1, yMin: 0.2, xMax: 0.3, yMax: 0.4 },
    })),
  });
}

async function run(kind: string, args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runCommand(["--server", results.address, "export", kind, ...args]);
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return stdout;
}

test("events as JSON Lines to standard output, newest first", async () => {
  const lines = (await run("events", []))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ id }) => id)).toEqual(["e3", "e2", "e1"]);
  expect(lines[0]).toMatchObject({
    camera: "front",
    type: "entered_zone",
    phase: "once",
    startTime: at(3),
    track: { className: "person", bestScore: 0.75 },
  });
});

/** Ids of the events in JSON lines. */
function idsIn(lines: string): string[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => (JSON.parse(line) as { id: string }).id);
}

test("events that are searched for", async () => {
  const ids = async (...args: string[]) => idsIn(await run("events", args));
  expect(await ids("--min-score", "0.75", "--text", "FRONT e2")).toEqual(["e2"]);
  expect(await ids("--min-score", "0.76")).toEqual([]);
  expect(await ids("--min-seconds", "0.1")).toEqual([]);
});

test("events are counted, as CSV", async () => {
  const { stdout } = await runCommand([
    ...["--server", results.address, "events", "counts", "--by", "camera,type,class", "--csv"],
    ...["--from", at(1), "--to", at(3)],
  ]);
  expect(stdout).toBe("camera,type,class,events,seconds\r\nfront,entered_zone,person,2,0\r\n");
  const refused = await runCommand(["--server", results.address, "events", "counts", "--text", "x"]);
  expect(refused.stderr).toContain("counts are narrowed by --camera");
});

test("events that are reviewed are marked, and left out of the list of those that are not", async () => {
  const command = async (...args: string[]) => runCommand(["--server", results.address, "events", ...args]);
  expect(await command("review", "front/e1", "front/e2")).toMatchObject({
    code: 0,
    stdout: "2 of 2 marked as reviewed\n",
  });
  const left = async () => idsIn((await command("--unreviewed", "--json")).stdout);
  expect(await left()).toEqual(["e3"]);
  const undone = await command("review", "--undo", "front/e1", "front/none");
  expect(undone.stdout).toBe("1 of 2 marked as not reviewed\n");
  expect(undone.code).not.toBe(0);
  expect(undone.stderr).toContain("front/none");
  expect(await left()).toEqual(["e3", "e1"]);
});

test("events as CSV to a file, of a span of time", async () => {
  const out = join(directory, "events.csv");
  await run("events", [
    ...["--format", "csv", "--out", out, "--camera", "front"],
    ...["--from", at(1), "--to", at(2)],
  ]);
  const [header, first, ...rest] = readFileSync(out, "utf8").split("\r\n");
  expect(header!.split(",").slice(0, 6)).toEqual(["camera", "id", "type", "phase", "revision", "rule"]);
  expect(first).toContain('front,e1,entered_zone,once,1,"the ""door"", left",door,');
  expect(rest).toEqual([""]);
});

test("detections as JSON Lines", async () => {
  const lines = (await run("detections", ["--empty"]))
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(lines.map(({ number, detections }) => [number, detections.length])).toEqual([
    [1, 0],
    [2, 1],
    [3, 2],
  ]);
  expect(lines[1]).toEqual({
    camera: "front",
    epoch: "e1",
    number: 2,
    captureTime: at(2),
    width: 1920,
    height: 1080,
    detections: [
      {
        class: "person",
        score: 0.9,
        trackId: "t2",
        pixelBox: [10.5, 20, 110.25, 220],
        normalizedBox: [0.1, 0.2, 0.3, 0.4],
      },
    ],
  });
});

test("detections as CSV, one record each", async () => {
  const text = await run("detections", ["--format", "csv", "--classes", "dog"]);
  expect(text.split("\r\n")).toEqual([
    "camera,epoch,number,capture_time,width,height,class,score,track_id,x_min,y_min,x_max,y_max",
    `front,e1,3,${at(3)},1920,1080,dog,0.9,t3,10.5,20,110.25,220`,
    "",
  ]);
});

test("detections as COCO results, with the images and categories that their ids stand for", async () => {
  const out = join(directory, "coco.json");
  await run("detections", ["--format", "coco", "--out", out]);
  const box = [10.5, 20, 99.75, 200];
  expect(JSON.parse(readFileSync(out, "utf8"))).toEqual([
    { image_id: 1, category_id: 1, bbox: box, score: 0.9 },
    { image_id: 2, category_id: 1, bbox: box, score: 0.9 },
    { image_id: 2, category_id: 17, bbox: box, score: 0.9 },
  ]);
  const { images, categories } = JSON.parse(readFileSync(join(directory, "coco.images.json"), "utf8"));
  expect(images[1]).toEqual({
    id: 2,
    file_name: "front/e1/3.jpg",
    width: 1920,
    height: 1080,
    camera: "front",
    epoch: "e1",
    number: 3,
    capture_time: at(3),
  });
  expect(categories).toEqual([
    { id: 1, name: "person" },
    { id: 17, name: "dog" },
  ]);
});

test("COCO results without a file are an error that says so", async () => {
  const { code, stdout, stderr } = await runCommand(["export", "detections", "--format", "coco"]);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toMatch(/^sightline: .*--out FILE\n$/);
});

test("an export that fails leaves no file", async () => {
  const out = join(directory, "failed.jsonl");
  const { code } = await runCommand([
    ...["--server", results.address, "export", "events", "--out", out],
    ...["--from", "2026-01-03", "--to", "2026-01-02"],
  ]);
  expect(code).not.toBe(0);
  expect(readdirSync(directory).filter((name) => name.startsWith("failed"))).toEqual([]);
});

test("all that is kept of a camera is one archive, with a manifest of what is in it", async () => {
  const out = join(directory, "front.tar");
  const { code, stdout, stderr } = await runCommand([
    ...["--server", results.address, "camera", "export", "front", "--out", out, "--no-recordings", "--json"],
    ...["--from", at(0), "--to", at(3)],
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const counts = { events: 2, pictures: 0, frames: 1, videos: 0 };
  expect(JSON.parse(stdout)).toEqual({ name: "front", file: out, ...counts });
  const files = new Map<string, string>();
  const tar = Readable.from([readFileSync(out)]).pipe(extract());
  for await (const entry of tar) files.set(entry.header.name, await text(entry));
  const manifest = JSON.parse(files.get("front/manifest.json")!);
  expect(manifest).toMatchObject({ camera: "front", from: at(0), to: at(3), ...counts });
  expect([...files.keys()]).toEqual([
    ...manifest.files.map(({ name }: { name: string }) => `front/${name}`),
    "front/manifest.json",
  ]);
  for (const { name, sha256 } of manifest.files)
    expect(
      createHash("sha256")
        .update(files.get(`front/${name}`)!)
        .digest("hex"),
    ).toBe(sha256);
  expect(idsIn(files.get("front/events/00001.jsonl")!)).toEqual(["e2", "e1"]);
  expect(JSON.parse(files.get("front/detections/00001.jsonl")!)).toMatchObject({ number: 2 });
});

test("an archive of nothing is an error, and no file", async () => {
  const { code, stderr } = await runCommand([
    ...["--server", results.address, "camera", "export", "front", "--out", join(directory, "none.tar")],
    "--no-recordings",
    ...["--from", at(-20), "--to", at(-10)],
  ]);
  expect(code).not.toBe(0);
  expect(stderr).toContain("nothing is kept of front");
  expect(readdirSync(directory).filter((name) => name.startsWith("none"))).toEqual([]);
});
