import { freePort } from "@sightline/service/testing";
import { describe, expect, test } from "vitest";
import { bundledModel, bundledModelScope } from "../camera/camera-options.ts";
import { spawnAtTerminal, useResults } from "../testing/command-line.ts";

const { env, sightline } = useResults();

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
      const terminal = spawnAtTerminal(["camera", "add", "dead", url], env());
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
