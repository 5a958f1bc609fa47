import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "@sightline/client";
import { cameraName, encodeJson, FrameDetections, subjects, toTimestamp } from "@sightline/contracts";
import { connectNats, createLogger, openBuckets } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bundledModel, bundledModelScope } from "./camera/model-scope.ts";
import {
  type Outcome,
  ResultsProcess,
  runCommand,
  runCommands,
  spawnAtTerminal,
  spawnCommand,
} from "./testing/command-line.ts";

let results: ResultsProcess;
let sightline: (...args: string[]) => Promise<Outcome>;
beforeAll(async () => {
  results = await ResultsProcess.start();
  sightline = (...args) => runCommand(args, { SIGHTLINE_GRPC: results.address });
});
afterAll(() => results.stop());

describe("camera", () => {
  test("add, get, update, list and remove, as JSON", async () => {
    const added = await sightline(
      ...[
        "camera",
        "add",
        "front",
        "rtsp://admin:hunter2@cam/live",
        "--json",
        "--fps",
        "5",
        "--min-score",
        "0.3",
      ],
      ...["--classes", "person, dog", "--transport", "udp", "--decode", "vaapi"],
      ...["--record", "continuous", "--record-days", "7", "--record-audio"],
      ...["--record-uri", "rtsp://viewer:hunter2@cam/main"],
    );
    // No worker runs here, so nobody knows what the model knows.
    const unchecked =
      "sightline: no worker serves the camera's model now, so these class names were not checked";
    expect(added).toMatchObject({ code: 0, stderr: `${unchecked}: person, dog\n` });
    const camera = JSON.parse(added.stdout);
    expect(camera).toMatchObject({
      name: "front",
      uri: "rtsp://cam/live",
      transport: "udp",
      decode: "vaapi",
      recording: { mode: "continuous", maxAgeDays: 7, eventsMaxAgeDays: 0, audio: true },
      targetFps: 5,
      model: "yolo-nas-pedestrians",
      minScore: 0.3,
      classes: ["person", "dog"],
      hasCredentials: true,
      recordUri: "rtsp://cam/main",
      hasRecordCredentials: true,
      status: { state: "pending", reason: null },
    });
    const text = (await sightline("camera", "get", "front")).stdout;
    expect(text).toMatch(/^record url +rtsp:\/\/cam\/main$/m);
    expect(JSON.parse((await sightline("camera", "get", "front", "--json")).stdout)).toEqual(camera);

    const updated = await sightline(
      "camera",
      "update",
      "front",
      "--fps",
      "0",
      "--classes",
      "",
      "--decode",
      "default",
      "--record-events-days",
      "30",
      "--no-record-audio",
      "--no-record-uri",
      ...[
        "--privacy-mask",
        "0,0 0.5,0 0.5,0.25",
        "--privacy-mask",
        "0.8,0.8 1,0.8 1,1",
        "--masked-video",
        "off",
        "--label",
        "site=north",
        "--label",
        "floor=2",
      ],
      ...["--weight", "2.5", "--floor", "4", "--priority", "-1"],
      "--json",
    );
    expect(updated.stderr).toContain("the floor of 4 frames/s could not be checked");
    expect(JSON.parse(updated.stdout)).toMatchObject({
      targetFps: 0,
      classes: [],
      minScore: 0.3,
      transport: "udp",
      decode: "default",
      recording: { mode: "continuous", maxAgeDays: 7, eventsMaxAgeDays: 30, audio: false },
      privacyMasks: [
        [
          [0, 0],
          [0.5, 0],
          [0.5, 0.25],
        ],
        [
          [0.8, 0.8],
          [1, 0.8],
          [1, 1],
        ],
      ],
      maskedVideo: "off",
      labels: { site: "north", floor: "2" },
      ...{ weight: 2.5, floorFps: 4, priority: -1 },
      recordUri: "",
      hasRecordCredentials: false,
    });
    const open = await sightline("camera", "update", "front", "--no-privacy-masks", "--json");
    expect(JSON.parse(open.stdout)).toMatchObject({ privacyMasks: [], maskedVideo: "off" });
    const stale = await sightline("camera", "update", "front", "--fps", "1", "--etag", camera.etag);
    expect(stale).toMatchObject({ code: 1, stdout: "" });

    const labelled = ["camera", "list", "--label", "site=north", "--label"];
    expect(JSON.parse((await sightline(...labelled, "floor=3", "--json")).stdout)).toEqual([]);
    const listed = JSON.parse((await sightline(...labelled, "floor=2", "--json")).stdout);
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(["front"]);
    const removed = await sightline("camera", "remove", "front", "--json");
    expect(JSON.parse(removed.stdout)).toEqual({ name: "front", removed: true });
    expect(JSON.parse((await sightline("camera", "list", "--json")).stdout)).toEqual([]);
    expect(updated.stdout + added.stdout + JSON.stringify(listed)).not.toContain("hunter2");
  });

  test("for people", async () => {
    expect((await sightline("camera", "list")).stdout).toContain("no cameras");
    expect((await sightline("camera", "add", "yard", "rtsp://u:hunter2@cam/live")).stdout).toBe(
      `yard is registered: rtsp://cam/live\nits model is ${bundledModel}: ${bundledModelScope}\n`,
    );
    expect((await sightline("camera", "list")).stdout).toMatch(
      /^NAME +STATE +FPS ASKED +CAPTURED +INFERRED .*\nyard +pending +all +0\.0 +0\.0 .*rtsp:\/\/cam\/live/,
    );
    expect((await sightline("camera", "update", "yard", "--fps", "3")).stdout).toMatch(/^fps asked +3$/m);
    expect((await sightline("camera", "update", "yard", "--record", "off")).stdout).toMatch(
      /^recording +off$/m,
    );
    expect((await sightline("camera", "list")).stdout).toMatch(/^yard +pending +3 +/m);
    expect((await sightline("camera", "get", "yard")).stdout).toMatch(/^name +yard$/m);
    expect((await sightline("camera", "remove", "yard")).stdout).toBe("yard is removed\n");
  });
});

describe("a camera that gives no pictures", () => {
  const nothing = async () => `rtsp://127.0.0.1:${await freePort()}/live`;
  const listed = async () => (await sightline("camera", "list", "--json")).stdout;

  test("is not registered with --probe, and is without", async () => {
    const refused = await sightline("camera", "add", "dead", await nothing(), "--probe");
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    expect(refused.stderr).toMatch(
      /^sightline: from this machine dead gives no pictures: nothing listens .*; it is not registered\n$/,
    );
    expect(await listed()).not.toContain('"dead"');
    expect((await sightline("camera", "add", "dead", await nothing())).code).toBe(0);
    expect((await sightline("camera", "remove", "dead")).code).toBe(0);
  });

  test("is asked about at a terminal", async () => {
    const url = await nothing();
    for (const [answer, isAdded] of [
      ["n", false],
      ["y", true],
    ] as const) {
      const terminal = spawnAtTerminal(["camera", "add", "dead", url], { SIGHTLINE_GRPC: results.address });
      let said = "";
      for await (const data of terminal.stdout!) {
        const asked = said.includes("[y/N]");
        said += data;
        if (!asked && said.includes("[y/N]")) terminal.stdin!.write(`${answer}\n`);
      }
      expect(said).toMatch(/gives no pictures: nothing listens .*\r\nregister it all the same\? \[y\/N\]/);
      expect(said).toContain(
        isAdded ? "dead is registered" : "dead is not registered; --no-probe registers it",
      );
      expect((await listed()).includes('"dead"')).toBe(isAdded);
    }
    await sightline("camera", "remove", "dead");
  });
});

describe("errors are one line on stderr, in the words of the command line", () => {
  const camera = ["camera", "add", "x"];
  const wrong: [args: string[], code: number, text: string][] = [
    [["camera", "get", "none"], 1, "there is no camera 'none'"],
    [
      ["camera", "add", "Bad_Name", "rtsp://cam/x"],
      1,
      "the camera's name is not valid; expected 1 to 63 char",
    ],
    [["camera", "get", "a/b"], 1, "a-z, 0-9 and '-'"],
    [["camera", "snapshot", "none"], 1, "there is no camera 'none'"],
    [[...camera, "ftp://u:hunter2@cam/x"], 1, "the URL does not begin with rtsp://"],
    [[...camera, "rtsp://cam/x", "--model", "nope"], 1, "--model 'nope' is served by no worker"],
    [[...camera, "rtsp://cam/x", "--model", "no pe"], 1, "--model is not a model name"],
    [[...camera, "rtsp://cam/x", "--fps", "241"], 1, "--fps is 241; expected 0 (every frame) to 240"],
    [[...camera, "rtsp://cam/x", "--min-score", "2"], 1, "--min-score is 2; expected 0"],
    [
      [...camera, "rtsp://cam/x", "--privacy-mask", "0,0 1,0 2,2"],
      1,
      "--privacy-mask is wrong in mask 1: x and y",
    ],
    [
      ["camera", "update", "front", "--privacy-mask", "0,0 1,0 1,1", "--no-privacy-masks"],
      1,
      "contradict each other",
    ],
    [["camera", "update", "front", "--label", "north"], 2, "expected key=value"],
    [["camera", "update", "front", "--label", "a=1", "--no-labels"], 1, "contradict each other"],
    [[...camera, "rtsp://cam/x", "--record-days", "-1"], 1, "--record-days is -1; expected 0 (until"],
    [
      [...camera, "rtsp://cam/x", "--record-events-days", "9999"],
      1,
      "--record-events-days is 9999; expected 0 (as --record-days says) to 3650",
    ],
    [[...camera, "rtsp://cam/x", "--classes", "x".repeat(65)], 1, "--classes has a name that is"],
    [[...camera, "rtsp://cam/x", "--then", "none"], 1, "--then names 'none', which no worker has"],
    [camera, 2, "url"],
    [[...camera, "rtsp://cam/x", "--fps", "many"], 2, "expected a number"],
    [[...camera, "rtsp://cam/x", "--transport", "smoke"], 2, "auto, tcp, udp"],
    [["camera", "update", "x"], 2, "nothing to change; give at least one of --url, --fps,"],
    [["camera", "update", "x", "--etag", "1"], 2, "nothing to change"],
    [["model", "shadow", "x", "--camera", "front", "--for", "soon"], 2, "31d at most, or always"],
    [["model", "shadow", "x@", "--camera", "front"], 2, "expected NAME or NAME@VERSION"],
    [["model", "shadow", "none", "--camera", "front"], 1, "no worker has the model 'none'"],
    [["model", "shadows", "none"], 1, "there is no shadow 'none'"],
    [["model", "shadows", "--stop"], 2, "need the id of a shadow"],
    [["camera", "list", "--nope"], 2, "--nope"],
    [["camera", "nope"], 2, "nope"],
    [["nope"], 2, "nope"],
    [["demo", "--fps", "-1"], 2, "expected a number from 0 to 240"],
    [["watch", "--camera", "A B"], 1, "--camera has a name that is not valid; expected 1 to 63 char"],
    [["events", "--min-seconds", "-1"], 1, "--min-seconds is -1; expected"],
    [["watch", "--min-score", "7"], 1, "--min-score is 7; expected 0 to 1"],
    [["watch", "--classes", "x".repeat(65)], 1, "--classes has a name that is"],
    [["events", "--zone", "x".repeat(65)], 1, "--zone has a name that is"],
    [["events", "--id", "front"], 2, "expected --id CAMERA/ID"],
    [["events", "--id", "front/e1"], 1, "there is no event 'front/e1'"],
    [["events", "--id", "front/e 1"], 1, "the event's name is not valid; expected CAMERA/ID"],
    [["events", "--from", "2026-03-02", "--to", "2026-03-01"], 2, "--from is later than --to"],
    [["events", "--from", "1960-01-01"], 1, "--from is out of range"],
    [["events", "--from", "yesterday"], 2, "expected a time such as"],
    [["events", "--follow", "--to", "2026-03-01"], 2, "--to does not go with --follow"],
    [["events", "--annotated"], 2, "--annotated goes with --pictures"],
    [["events", "--follow", "--cursor", "x"], 1, "the cursor is damaged"],
    [["events", "--follow", "--camera", "frnot"], 1, "there is no camera 'frnot'; did you mean front?"],
    [["events", "--follow", "--zone", "dor"], 1, "no camera has a zone 'dor'; did you mean door?"],
    [["events", "--camera", "none"], 1, "there is no camera 'none'"],
    [["export", "events", "--camera", "none"], 1, "there is no camera 'none'"],
    [["export", "detections", "--camera", "none"], 1, "there is no camera 'none'"],
    [["watch", "--camera", "none"], 1, "there is no camera 'none'"],
    [
      ["export", "events", "--from", "2026-03-02", "--to", "2026-03-01"],
      1,
      "the end of the time range is before its start",
    ],
    [["export", "detections", "--min-score", "7"], 1, "--min-score is 7; expected 0 to 1"],
    [["dead-letters", "list", "A/B"], 1, "the subscription's name is not valid; expected 1 to 63 char"],
    [["dead-letters", "list", "none"], 1, "there is no subscription 'none'"],
    [["rules", "get", "A B"], 1, "the name of the rules is not valid; expected 1 to 63 char"],
    [["rules", "get", "none"], 1, "there is no camera 'none'"],
  ];
  let outcomes: Outcome[];
  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), "sightline-zones-")), "rules.yaml");
    writeFileSync(file, "zones: [{ name: door, polygon: [[0, 0], [1, 0], [1, 1]] }]");
    const commands = [
      ["camera", "add", "front", "rtsp://cam/front"],
      ["rules", "set", "front", file],
      ...wrong.map(([args]) => args),
      ["camera", "remove", "front"],
    ];
    const all = await runCommands(commands, { SIGHTLINE_GRPC: results.address });
    expect([all.at(0)?.code, all.at(1)?.code, all.at(-1)?.code]).toEqual([0, 0, 0]);
    outcomes = all.slice(2, -1);
    rmSync(dirname(file), { recursive: true });
  });

  test.each(wrong.map((each, index) => [...each, index] as const))("%j", (_, code, text, index) => {
    const outcome = outcomes[index]!;
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toMatch(/^sightline: .+\n$/);
    expect(outcome.stderr).toContain(text);
    expect(outcome.stderr).not.toContain("hunter2");
    // Names of the API: fields, enums and resources.
    expect(outcome.stderr).not.toMatch(/[a-z]_[a-z]|[A-Z]_[A-Z]|\{[a-z]+\}|\bcameras?[./]/);
  });

  test("no server", async () => {
    const server = `127.0.0.1:${await freePort()}`;
    const outcome = await runCommand(["camera", "list", "--server", server]);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(outcome.stderr).toMatch(/^sightline: .*\.\/sightline up.*\n$/);
    expect(outcome.stderr).toContain(server);
  });
});

/** Publishes frames of the cameras as a worker does, one more each time, until `done`. */
async function publishUntil(done: () => boolean, cameras: readonly string[]): Promise<void> {
  const nats = await connectNats(results.nats.url, "test", createLogger("test", "fatal"));
  const epoch = randomBytes(4).toString("hex");
  let number = 0;
  await expect
    .poll(async () => {
      number += 1;
      for (const camera of cameras) {
        const box = { xMin: 100, yMin: 100, xMax: 200, yMax: 300 };
        const event = FrameDetections.fromPartial({
          frame: {
            camera: cameraName(camera),
            epoch,
            number,
            previousNumber: number - 1,
            captureTime: toTimestamp(Date.now()),
          },
          detections: [
            {
              className: "person",
              score: 0.9,
              pixelBox: box,
              normalizedBox: { xMin: 0.1, yMin: 0.1, xMax: 0.2, yMax: 0.3 },
            },
          ],
        });
        await nats.jetstream.publish(subjects.detections(camera), FrameDetections.encode(event).finish());
      }
      return done();
    })
    .toBe(true);
  await nats.connection.close();
}

/** A command that goes on until it is interrupted, once it has begun, and the lines it has printed. */
async function following(...args: string[]) {
  const child = spawnCommand(args, { SIGHTLINE_GRPC: results.address });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.stderr! }))
    if (said.push(line) && line.includes("Ctrl-C ends it")) break;
  expect(said.at(-1)).toContain("Ctrl-C ends it");
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => lines.push(line));
  const stop = async () => {
    child.kill("SIGINT");
    return (await once(child, "exit"))[0];
  };
  return { lines, said, stop };
}

describe("watch, rules and events", () => {
  beforeAll(async () => {
    for (const camera of ["gate", "side"]) await sightline("camera", "add", camera, `rtsp://cam/${camera}`);
  });

  test("watch prints what is detected, as JSON lines, until it is interrupted", async () => {
    const { lines, stop } = await following("watch", "--camera", "gate", "--json");
    await publishUntil(() => lines.length > 0, ["side", "gate"]);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      type: "frame",
      camera: "gate",
      detections: [{ class: "person", score: 0.9, pixelBox: { xMin: 100, yMin: 100, xMax: 200, yMax: 300 } }],
    });
    expect(await stop()).toBe(0);
  });

  test("who waits for a class that no model of the cameras knows is told, and refused if that is certain", async () => {
    const nats = await connectNats(results.nats.url, "test", createLogger("test", "fatal"));
    const { models } = await openBuckets(nats.kv);
    const wait = (...args: string[]) => sightline(...args, "--camera", "gate");
    const { lines, said, stop } = await following("watch", "--classes", "preson", "--json");
    expect(said[0]).toContain("these class names were not checked: preson");
    expect([await stop(), lines]).toEqual([0, []]);
    const size = { width: 64, height: 64, longestSide: 64, padValue: 0 };
    const model = { name: bundledModel, architecture: "yolo_nas_s", ...size, classes: ["person"] };
    // As a worker does: what is announced once is soon forgotten.
    const announce = () => models.put(bundledModel, encodeJson(model));
    const announcing = setInterval(announce, 1_000);
    const client = connect(results.address);
    await expect.poll(() => client.cameras.modelClasses("gate")).toEqual(["person"]);
    client.close();
    const refused = {
      code: 1,
      stderr: expect.stringMatching(/not know the class 'preson'; did you mean person\?\n$/),
    };
    expect(await wait("events", "--follow", "--classes", "person,preson")).toMatchObject(refused);
    expect(await wait("watch", "--classes", "preson")).toMatchObject(refused);
    const shadow = await wait("model", "shadow", bundledModel, "--for", "always");
    expect(shadow).toMatchObject({ code: 0, stdout: expect.stringMatching(/^shadow [0-9a-f]{12} runs/) });
    const [, id = ""] = shadow.stdout.split(" ");
    expect((await sightline("model", "shadows")).stdout).toContain(id);
    expect((await sightline("model", "shadows", id)).stdout).toContain("camera gate: 0 frames compared");
    expect((await sightline("model", "shadows", id, "--delete")).code).toBe(0);
    expect((await wait("watch", "--classes", "dog")).stderr).toMatch(/class 'dog'; known is person\n$/);
    clearInterval(announcing);
    await models.delete(bundledModel);
    await nats.connection.close();
  });

  test("rules are checked, set and printed; what happens by them is followed and listed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sightline-rules-"));
    const file = join(folder, "rules.yaml");
    writeFileSync(file, "rules:\n  - { type: appeared, classes: [person] }\n");
    expect((await sightline("rules", "check", file)).stdout).toContain("in order");
    writeFileSync(join(folder, "bad.json"), '{"rules": [{"type": "entered_zone", "zone": "nowhere"}]}');
    const bad = await sightline("rules", "check", join(folder, "bad.json"));
    expect(bad).toMatchObject({ code: 1, stdout: "" });
    expect(bad.stderr).toContain("nowhere");
    const set = await sightline("rules", "set", "gate", file);
    expect(set).toMatchObject({ code: 0, stdout: "gate has 0 zones, 0 lines, 1 rule\n" });
    expect(set.stderr).toMatch(/no worker serves .* these class names were not checked: person\n$/);
    expect(JSON.parse((await sightline("rules", "get", "gate")).stdout)).toMatchObject({
      zones: [],
      rules: [{ name: "appeared", type: "appeared", classes: ["person"] }],
    });
    const { stdout: etag } = await sightline("rules", "get", "gate", "--etag");
    const setWith = () => sightline("rules", "set", "gate", file, "--etag", etag.trim());
    expect((await setWith()).code).toBe(0);
    expect((await setWith()).stderr).toContain("have changed");
    rmSync(folder, { recursive: true });

    const { lines, stop } = await following("events", "--follow", "--type", "appeared", "--json");
    await publishUntil(() => lines.length > 0, ["side", "gate"]);
    const event = JSON.parse(lines[0]!);
    expect(event).toMatchObject({ camera: "gate", type: "appeared", message: "person appeared" });
    expect(event.cursor).not.toBe("");
    expect(await stop()).toBe(0);
    const listed = await sightline("events", "--camera", "gate", "--json");
    expect(listed.stdout).toContain(event.id);
    expect((await sightline("events")).stdout).toMatch(
      /^STARTED +EVENT .*\n\d{4}-\d\d-\d\dT[\d:]{8}Z {2}gate\/\S+ +appeared +(going on|[\d.]+ s) +(yes|none) +person /,
    );
    const name = `gate/${event.id}`;
    expect((await sightline("events", "--id", name, "--from", event.startTime)).stdout).toContain(name);
    expect((await sightline("events", "--to", "2026-01-01")).stdout).toBe("no such events are kept\n");
    expect((await sightline("events", "--type", "teleported")).stderr).toContain("entered_zone");
  });
});

test("output that cannot be written is an error of one line", async () => {
  const full = openSync("/dev/full", "w");
  const child = spawnCommand(["--help"], {}, full);
  let stderr = "";
  child.stderr?.on("data", (data) => (stderr += data));
  expect((await once(child, "close"))[0]).toBe(1);
  closeSync(full);
  expect(stderr).toMatch(/^sightline: standard output cannot be written: .*no space.*\n$/);
});

test.each([
  ["an event list's cursor without --follow", ["events", "--cursor", "x"], 2, "--cursor goes with --follow"],
  ["following a server that is away", ["events", "--follow"], 1, "no Sightline server answers at"],
  ["a bench without a number", ["bench", "transport", "--seconds", "soon"], 2, "whole number"],
  ["a bench of too many", ["bench", "subscribers", "--subscribers", "1e9"], 2, "from 1 to 100000"],
])("%s is an error that says so", async (_, args, code, text) => {
  const outcome = await runCommand(args, { SIGHTLINE_GRPC: `127.0.0.1:${await freePort()}` });
  expect(outcome).toMatchObject({ code, stdout: "" });
  expect(outcome.stderr).toContain(text);
  expect(outcome.stderr).not.toContain("    at ");
});

test("--version prints the version", async () => {
  const outcome = await sightline("--version");
  expect(outcome).toMatchObject({ code: 0, stdout: expect.stringMatching(/^sightline \d+\.\d+\.\d+, Node/) });
});

test("help exits 0, for the whole and for each part", async () => {
  for (const args of [
    ["--help"],
    ["camera", "--help"],
    ["camera", "add", "--help"],
    ["doctor", "--help"],
    ["help", "doctor"],
  ]) {
    const outcome = await sightline(...args);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("Usage: sightline");
  }
});
