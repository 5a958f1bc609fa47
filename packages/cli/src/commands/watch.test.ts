import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "@sightline/client";
import { cameraName, encodeJson, FrameDetections, subjects, toTimestamp } from "@sightline/contracts";
import { connectNats, createLogger, openBuckets } from "@sightline/service";
import { beforeAll, describe, expect, test } from "vitest";
import { bundledModel } from "../camera/camera-options.ts";
import { spawnCommand, useResults } from "../testing/command-line.ts";

const { results, env, sightline } = useResults();

/** Publishes frames of the cameras as a worker does, one more each time, until `done`. */
async function publishUntil(done: () => boolean, cameras: readonly string[]): Promise<void> {
  const nats = await connectNats(results().nats.url, "test", createLogger("test", "fatal"));
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
  const child = spawnCommand(args, env());
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
    const nats = await connectNats(results().nats.url, "test", createLogger("test", "fatal"));
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
    const client = connect(results().address);
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
