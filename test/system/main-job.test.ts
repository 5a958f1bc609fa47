import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzipSync } from "node:zlib";
import { connect } from "@sightline/client";
import { EventType } from "@sightline/contracts";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GrpcError, type Json } from "./grpc.ts";
import { System } from "./system.ts";

// The bundled clip's pseudo-labels: 3 to 9 people a frame, 5.5 on average, boxes 2.6 times as high as wide.
const people = { mean: 5.475, atMost: 20 };

let system: System;
const models = mkdtempSync(join(tmpdir(), "sightline-models-"));

beforeAll(async () => {
  cpSync(join(projectRoot, "models", "yolo-nas-pedestrians"), join(models, "yolo-nas-pedestrians"), {
    recursive: true,
  });
  system = await System.start({ SIGHTLINE_MODEL_DIR: models, SIGHTLINE_MODELS: "all" });
});

afterAll(async () => {
  await system?.stop();
  rmSync(models, { recursive: true });
});

describe("the main job", () => {
  test("a registered camera's people arrive as events in order", async () => {
    const cameras = await system.cameras(1);
    const registered = await system.register("front", { uri: cameras.url("camera-1") });
    expect(registered).toMatchObject({
      name: "cameras/front",
      uri: cameras.url("camera-1"),
      transport: "TRANSPORT_AUTO",
    });

    const frames = await system.frames("front", 40);
    const numbers = frames.map(({ frame }) => Number(frame.number));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);

    const boxes: Json[] = frames.flatMap(({ detections = [] }) => detections);
    expect(boxes.length / frames.length).toBeGreaterThan(people.mean * 0.6);
    expect(boxes.length / frames.length).toBeLessThan(people.mean * 1.6);
    const shapes = boxes
      .map(({ pixelBox: b }) => (b.yMax - b.yMin) / (b.xMax - (b.xMin ?? 0)))
      .sort((a, b) => a - b);
    expect(shapes[shapes.length >> 1]).toBeGreaterThan(1.8);
    for (const { className, score, pixelBox: b, normalizedBox: n } of boxes) {
      expect(className).toBe("person");
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(1);
      expect(b.xMin ?? 0).toBeGreaterThanOrEqual(0);
      expect(b.xMax).toBeLessThanOrEqual(768);
      expect(b.yMax).toBeLessThanOrEqual(576);
      expect(n.xMax).toBeCloseTo(b.xMax / 768, 4);
      expect(n.yMax).toBeCloseTo(b.yMax / 576, 4);
    }
    for (const { frame, timings, inference } of frames) {
      expect(frame).toMatchObject({ camera: "cameras/front", sourceWidth: 768, sourceHeight: 576 });
      expect(timings.inferUs).toBeGreaterThan(0);
      expect(inference).toMatchObject({
        model: "yolo-nas-pedestrians",
        executionProvider: "cpu",
        precision: "int8",
      });
    }
  });

  test("presentation times advance with the camera's clock", async () => {
    const frames = await system.frames("front", 10);
    for (const [i, { frame }] of frames.entries()) {
      if (i === 0) continue;
      const before = frames[i - 1].frame;
      const steps = Number(frame.number) - Number(before.number);
      expect(Number(frame.ptsUs) - Number(before.ptsUs)).toBeCloseTo(steps * 100_000, -4);
    }
  });

  test("the ledger balances in the metrics and in the API", async () => {
    const ledger = await system.ledger("front");
    expect(ledger.inferred).toBeGreaterThan(40);
    expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
    const { status } = await system.camera("front");
    const dropped = (status.ledger.dropped ?? []).reduce(
      (sum: number, entry: Json) => sum + Number(entry.count),
      0,
    );
    expect(Number(status.ledger.captured)).toBe(
      Number(status.ledger.inferred) + dropped + Number(status.ledger.inFlight ?? 0),
    );
  });

  test("filters choose cameras, classes and scores", async () => {
    const request = { cameras: ["cameras/front"], classes: ["person"], minScore: 0.6 };
    for await (const { frame } of system.client.stream("DetectionService/SubscribeDetections", request)) {
      for (const { score } of frame.detections) expect(score).toBeGreaterThanOrEqual(0.6);
      break;
    }
    const none = { cameras: ["cameras/front"], minScore: 2 };
    await expect(system.client.call("DetectionService/SubscribeDetections", none)).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
    });
  });

  test("an update of fps takes effect and what it leaves out is counted", async () => {
    const camera = { name: "cameras/front", targetFps: 2 };
    await system.client.call("CameraService/UpdateCamera", { camera, updateMask: "targetFps" });
    await system.until(async () => {
      const frames = await system.frames("front", 3);
      const gaps = frames.slice(1).map(({ frame }, i) => Number(frame.ptsUs) - Number(frames[i].frame.ptsUs));
      return gaps.every((gap) => gap > 400_000 && gap < 600_000);
    });
    const scrape = await system.metrics("ingest");
    expect(
      scrape.sum("sightline_frames_dropped_total", { camera: "front", reason: "sampled_out" }),
    ).toBeGreaterThan(0);
  });

  test("a decoder that is not there gives way to software, and no frame is uncounted", async () => {
    const camera = { name: "cameras/front", decode: "DECODE_CUDA", targetFps: 0 };
    await system.client.call("CameraService/UpdateCamera", { camera, updateMask: "decode,targetFps" });
    const { status, decode } = await system.cameraThat(
      "front",
      ({ status: { state, decoder, decoderNote = "" } }) =>
        state === "CAMERA_STATE_LIVE" && (decoder === "cuda" || decoderNote.startsWith("CUDA: ")),
    );
    expect(decode).toBe("DECODE_CUDA");
    expect(["software", "cuda"]).toContain(status.decoder);
    await system.frames("front", 5);
    const scrape = await system.metrics("ingest");
    const failures = scrape.sum("sightline_decoder_failures_total", { camera: "front" });
    expect(status.decoder === "cuda" || status.decoderNote.includes("built without") || failures === 1).toBe(
      true,
    );
    const ledger = await system.ledger("front");
    expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
  });

  test("a detector of another family is imported while all runs, and serves the camera that asks for it beside the other", async () => {
    const asking = async () => {
      const cameras = await system.cameras(1);
      return system.register("imported", { uri: cameras.url("camera-1"), model: "other" });
    };
    await expect(asking()).rejects.toMatchObject({ message: expect.stringContaining("none can load it") });
    const fixture = join(projectRoot, "packages/yolo-nas/fixtures/families/yolov8.onnx.gz");
    const file = join(system.directory, "other.onnx");
    writeFileSync(file, gunzipSync(readFileSync(fixture)));
    const args = ["model", "import", file, "--classes", "a,b,c", "--out", models];
    const { stdout } = await promisify(execFile)(join(projectRoot, "sightline"), args);
    expect(stdout).toContain("other");
    const client = connect(`127.0.0.1:${system.ports.grpc}`);
    try {
      await system.until(async () =>
        (await client.models.list()).some(({ name }) => name === "models/other"),
      );
      const appeared = (async () => {
        const from = client.events.subscribe({ filter: { cameras: ["imported"], rules: ["seen"] } });
        for await (const message of from) if (message.kind === "event") return message.event;
        return undefined;
      })();
      await asking();
      const rules = [{ type: EventType.APPEARED, name: "seen", classes: ["a", "b", "c"] }];
      await client.rules.update("imported", { rules });
      const frames = await system.frames("imported", 10);
      for (const { inference } of frames)
        expect(inference).toMatchObject({ model: "other", precision: "fp32" });
      const boxes: Json[] = frames.flatMap(({ detections = [] }) => detections);
      expect(boxes.length).toBeGreaterThan(0);
      for (const { className } of boxes) expect(["a", "b", "c"]).toContain(className);
      expect(await appeared).toMatchObject({ rule: "seen" });
      // The other camera's frames come as before, from the same process.
      const [{ inference }] = await system.frames("front", 1);
      expect(inference.model).toBe("yolo-nas-pedestrians");
      const loaded = (await system.metrics("inference")).sum("sightline_inference_session_up");
      expect(loaded).toBe(2);
      const ledger = await system.ledger("imported");
      expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
      expect(ledger.lost + ledger.failed).toBe(0);
    } finally {
      client.close();
      await system.remove("imported").catch(() => undefined);
    }
  });

  test("a deleted camera's events stop and its name is free again", async () => {
    await system.remove("front");
    await expect(system.camera("front")).rejects.toThrow(GrpcError);
    await system.until(async () => (await system.metrics("ingest")).sum("sightline_camera_up") === undefined);
    const inferred = (await system.metrics("inference")).sum("sightline_inference_frames_total");
    const cameras = await system.cameras(1);
    await system.register("front", { uri: cameras.url("camera-1"), classes: ["person"], minScore: 0.5 });
    const frames = await system.frames("front", 5);
    // None that a worker still had of the camera that had the name before.
    expect(new Set(frames.map(({ frame }) => frame.epoch)).size).toBe(1);
    expect(frames.flatMap(({ detections = [] }) => detections).every(({ score }: Json) => score >= 0.5)).toBe(
      true,
    );
    expect((await system.metrics("inference")).sum("sightline_inference_frames_total")).not.toBe(inferred);
  });

  test.each([
    ["an unknown model", { model: "no-such-model" }, "no-such-model"],
    ["a URL of another kind", { uri: "ftp://127.0.0.1/x" }, "rtsp"],
    ["an unknown class", { classes: ["unicorn"] }, "unicorn"],
    ["a score above 1", { minScore: 1.5 }, "min_score"],
  ])("refuses %s", async (_, change, word) => {
    const camera = { uri: "rtsp://127.0.0.1:1/x", ...change };
    const attempt = system.register("wrong", camera);
    await expect(attempt).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringContaining(word),
    });
    await expect(system.camera("wrong")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });
});
