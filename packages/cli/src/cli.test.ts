import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { freePort } from "@sightline/service/testing";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type CommandOutcome,
  runCommand,
  runCommands,
  spawnCommand,
  useResults,
} from "./testing/command-line.ts";

const { env } = useResults();

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
    [["camera", "update", "x"], 2, "nothing to change; give at least one of --url, --transport,"],
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
  let outcomes: CommandOutcome[];
  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), "sightline-zones-")), "rules.yaml");
    writeFileSync(file, "zones: [{ name: door, polygon: [[0, 0], [1, 0], [1, 1]] }]");
    const commands = [
      ["camera", "add", "front", "rtsp://cam/front"],
      ["rules", "set", "front", file],
      ...wrong.map(([args]) => args),
      ["camera", "remove", "front"],
    ];
    const all = await runCommands(commands, env());
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
  const outcome = await runCommand(["--version"]);
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
    const outcome = await runCommand(args);
    expect(outcome).toMatchObject({ code: 0, stderr: "" });
    expect(outcome.stdout).toContain("Usage: sightline");
  }
});
