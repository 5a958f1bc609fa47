import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { httpEventSchema } from "@sightline/contracts";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandOutcome, runCommand, runCommands } from "../testing/command-line.ts";

const fixtures = join(projectRoot, "test/fixtures");
const rules = join(fixtures, "pedestrians.rules.json");
let folder: string;
let clip: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sightline-replay-"));
  clip = join(folder, "clip.mp4");
  const source = ["-i", join(fixtures, "pedestrians.mp4"), "-t", "4", "-c", "copy"];
  execFileSync("ffmpeg", ["-loglevel", "error", ...source, clip]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a recorded file gives its events, one JSON line each, the same bytes every time", async () => {
  const first = await runCommand(["replay", clip, "--rules", rules]);
  expect(first).toMatchObject({ code: 0, stderr: "" });
  const second = await runCommand(["replay", clip, "--rules", rules, "--speed", "max"]);
  expect(second.stdout).toBe(first.stdout);
  const events = first.stdout
    .trimEnd()
    .split("\n")
    .map((line) => httpEventSchema.parse(JSON.parse(line)));
  const appeared = events.filter(({ type, phase }) => type === "appeared" && phase === "start");
  expect(appeared.length).toBeGreaterThanOrEqual(5);
  // Times are the video's own, and what began has ended when the video has.
  expect(events.some(({ hasSnapshot, hasClip }) => hasSnapshot || hasClip)).toBe(false);
  for (const { startTime } of events) expect(Date.parse(startTime)).toBeLessThan(4_000);
  const ended = events.filter(({ type, phase }) => type === "appeared" && phase === "end");
  expect(ended.map(({ id }) => id).sort()).toEqual(appeared.map(({ id }) => id).sort());
  expect(events.at(-1)).toMatchObject({ type: "camera_down", camera: "replay" });
});

test("rules in their plainest form, in YAML, see people on the road and nobody in the sky", async () => {
  const file = join(folder, "rules.yaml");
  writeFileSync(
    file,
    `zones:
  - { name: road, polygon: [[0, 0.36], [0.75, 0.32], [1, 0.2], [1, 0.86], [0.3, 0.47]] }
  - { name: sky, polygon: [[0, 0], [1, 0], [1, 0.02], [0, 0.02]] }
rules:
  - { type: entered_zone, zone: road, classes: [person] }
  - { type: entered_zone, zone: sky, classes: [person] }
`,
  );
  const { code, stdout } = await runCommand(["replay", clip, "--rules", file, "--camera", "gate"]);
  expect(code).toBe(0);
  const zones = new Set(
    stdout
      .trimEnd()
      .split("\n")
      .map((line) => httpEventSchema.parse(JSON.parse(line)))
      .filter(({ camera, type }) => camera === "gate" && type === "entered_zone")
      .map(({ zone }) => zone),
  );
  expect(zones).toEqual(new Set(["road"]));
});

const eventsOf = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => httpEventSchema.parse(JSON.parse(line)));

test("time without frames passes as it does for a camera", async () => {
  const gap = join(folder, "gap.mkv");
  const source = ["-t", "2", "-i", clip, "-vf", "setpts='if(lt(N,10),N/10,3600+N/10)/TB'"];
  const output = ["-fps_mode", "vfr", "-c:v", "libx264", "-preset", "veryfast", gap];
  execFileSync("ffmpeg", ["-loglevel", "error", ...source, ...output]);
  const file = join(folder, "count.json");
  writeFileSync(file, '{"rules": [{"type": "count_above", "count": 0}]}');
  const { stdout } = await runCommand(["replay", gap, "--rules", file]);
  const ends = eventsOf(stdout)
    .filter(({ phase }) => phase === "end")
    .map(({ endTime }) => Date.parse(endTime!));
  // Not an hour later: the last object is lost while no frames come.
  expect(ends).toHaveLength(2);
  expect(ends[0]).toBeLessThan(5_000);
  expect(ends[1]).toBe(3_601_900);
});

test("with a time at which it begins, rules with active hours apply by that", async () => {
  const file = join(folder, "hours.yaml");
  writeFileSync(file, 'rules: [{ type: appeared, active_hours: { start: "08:00", end: "18:00" } }]');
  const without = await runCommand(["replay", clip, "--rules", file]);
  expect(eventsOf(without.stdout).map(({ type }) => type)).toEqual(["camera_down"]);
  expect(without.stderr).toContain("--start-time");
  const args = ["--rules", file, "--start-time", "2026-03-01T10:00+02:00", "--model", "yolo-nas-pedestrians"];
  const { stdout, stderr } = await runCommand(["replay", clip, ...args]);
  expect(stderr).toBe("");
  expect(eventsOf(stdout)[0]).toMatchObject({ type: "appeared", startTime: "2026-03-01T08:00:00.100Z" });
});

test("a video on its side, with pixels that are not square, gives the events of the video as it is shown", async () => {
  const [stored, video] = [join(folder, "stored.mp4"), join(folder, "shown.mp4")];
  const ffmpeg = (...args: string[]) => execFileSync("ffmpeg", ["-loglevel", "error", ...args]);
  const squeeze = ["-vf", "scale=768:288,setsar=1/2,transpose=clock"];
  const encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "18"];
  ffmpeg("-t", "2", "-i", clip, ...squeeze, ...encode, stored);
  ffmpeg("-i", stored, "-c", "copy", "-metadata:s:v", "rotate=90", "-y", video);
  const file = join(folder, "appeared.yaml");
  writeFileSync(file, "rules: [{ type: appeared }]");
  const { code, stdout, stderr } = await runCommand(["replay", video, "--rules", file]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const plain = join(folder, "plain.mp4");
  ffmpeg("-t", "2", "-i", clip, "-c", "copy", "-y", plain);
  const boxes = (text: string) =>
    eventsOf(text)
      .filter(({ type, phase }) => type === "appeared" && phase === "start")
      .map(({ track }) => track!.box);
  const wanted = boxes((await runCommand(["replay", plain, "--rules", file])).stdout);
  const found = boxes(stdout);
  const near = wanted.filter((box) =>
    found.some((other) => other.every((side, i) => Math.abs(side - box[i]!) < 0.02)),
  );
  expect(wanted.length).toBeGreaterThanOrEqual(5);
  expect(near.length).toBeGreaterThanOrEqual(wanted.length - 1);
});

test("a video that is cut short gives the events of what there is of it, says so and fails", async () => {
  const cut = join(folder, "cut.mp4");
  const source = ["-t", "2", "-i", clip, "-c", "copy", "-movflags", "+faststart"];
  execFileSync("ffmpeg", ["-loglevel", "error", ...source, cut]);
  truncateSync(cut, Math.floor(statSync(cut).size * 0.7));
  const { code, stdout, stderr } = await runCommand(["replay", cut, "--rules", rules]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^sightline: .*cut\.mp4 is cut short: .* frames were read, the last at \d\.\d\d s\.\n$/,
  );
  expect(eventsOf(stdout).some(({ type }) => type === "appeared")).toBe(true);
  expect(eventsOf(stdout).at(-1)).toMatchObject({ type: "camera_down" });
  const stream = join(folder, "cut.ts");
  execFileSync("ffmpeg", ["-loglevel", "error", "-t", "2", "-i", clip, "-c", "copy", stream]);
  truncateSync(stream, Math.floor(statSync(stream).size * 0.7) | 1);
  const part = await runCommand(["replay", stream, "--rules", rules]);
  expect(part.code).toBe(1);
  expect(part.stderr).toMatch(
    /^sightline: .*cut\.ts is cut short: .* frames were read, the last at \d\.\d\d s\.\n$/,
  );
  truncateSync(cut, 100);
  const nothing = await runCommand(["replay", cut, "--rules", rules]);
  expect(nothing).toMatchObject({ code: 1, stdout: "" });
  expect(nothing.stderr).toMatch(/cut\.mp4 is cut short: .*nothing of it can be read/);
});

const mistakes: [what: string, args: string[], told: string][] = [
  ["a folder", ["replay", "FOLDER", "--rules", rules], "name one video file"],
  [
    "a model that is not there",
    ["replay", "CLIP", "--rules", rules, "--model", "none"],
    "there is no model 'none'",
  ],
  ["rules that cannot be", ["replay", "CLIP", "--rules", "BAD"], "polygon"],
  ["a class the model does not know", ["replay", "CLIP", "--rules", "CLASS"], "unicorn"],
  ["a video that is not there", ["replay", "/nowhere.mp4", "--rules", rules], "/nowhere.mp4"],
  ["no rules", ["replay", "CLIP"], "--rules"],
  ["a speed that is none", ["replay", "CLIP", "--rules", rules, "--speed", "0"], "max, or a number above 0"],
];

describe("an error that says so", () => {
  let outcomes: CommandOutcome[];

  beforeAll(async () => {
    const bad = join(folder, "bad.json");
    writeFileSync(bad, '{"zones": [{"name": "a", "polygon": [[0, 0], [1, 1]]}], "rules": []}');
    const unknown = join(folder, "class.json");
    writeFileSync(unknown, '{"rules": [{"type": "appeared", "classes": ["unicorn"]}]}');
    const named: Record<string, string> = { CLIP: clip, FOLDER: folder, BAD: bad, CLASS: unknown };
    outcomes = await runCommands(mistakes.map(([, args]) => args.map((arg) => named[arg] ?? arg)));
  });

  test.each(mistakes.map(([what, , told], i) => [what, told, i] as const))("%s", (_, told, i) => {
    const { code, stdout, stderr } = outcomes[i]!;
    expect(code).not.toBe(0);
    expect(stdout).toBe("");
    expect(stderr).toContain(told);
    expect(stderr).not.toContain("    at ");
  });
});
