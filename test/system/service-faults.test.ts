import { rmSync } from "node:fs";
import { join } from "node:path";
import { jetstream, type StoredMsg } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { cameraIdOf, FrameDetections, formatFrameId, streams } from "@sightline/contracts";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { System } from "./system.ts";

const names = ["camera-1", "camera-2", "camera-3"];
let system: System;

beforeAll(async () => {
  system = await System.start();
  const cameras = await system.cameras(names.length);
  for (const name of names) await system.register(name, { uri: cameras.url(name) });
  for (const name of names) await system.frames(name, 3);
});

afterAll(() => system?.stop());

/** Ids of all frames in the stream, in the order stored. */
async function storedFrames(): Promise<string[]> {
  const connection = await connect({ servers: `nats://127.0.0.1:${system.ports.nats}` });
  try {
    const stream = await jetstream(connection)
      .jetstreamManager()
      .then((manager) => manager.streams.get(streams.detections));
    const { state } = await stream.info();
    const ids: string[] = [];
    for (let seq = state.first_seq; seq <= state.last_seq; seq++) {
      const message: StoredMsg | null = await stream.getMessage({ seq });
      const frame = message && FrameDetections.decode(message.data).frame;
      if (frame)
        ids.push(
          formatFrameId({ camera: cameraIdOf(frame.camera)!, epoch: frame.epoch, number: frame.number }),
        );
    }
    return ids;
  } finally {
    await connection.close();
  }
}

async function setFps(targetFps: number): Promise<void> {
  for (const name of names) {
    const camera = { name: `cameras/${name}`, targetFps };
    await system.client.call("CameraService/UpdateCamera", { camera, updateMask: "targetFps" });
  }
}

/**
 * Slows the cameras down so that two readings can be compared, then waits until every frame that was inferred by the
 * ledger is in the stream once, and no other. What a dead worker held is decided when its time (12 s) is up.
 */
async function expectLedgerToMatchStream(): Promise<void> {
  await setFps(0.05);
  try {
    await system.until(async () => {
      const ids = await storedFrames();
      expect(new Set(ids).size).toBe(ids.length);
      for (const name of names) {
        const ledger = await system.ledger(name);
        expect(ledger.captured).toBe(ledger.inferred + ledger.dropped + ledger.inFlight);
        if (ids.filter((id) => id.startsWith(`${name}:`)).length !== ledger.inferred) return false;
      }
      return true;
    }, 90_000);
  } finally {
    await setFps(0);
  }
}

test("a worker killed in the middle of its work loses no frame from the ledger and doubles none", async () => {
  const port = await freePort();
  const env = { SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${port}` };
  const second = await system.stack.startService("inference", env, "inference-2");
  await system.stack.ready("inference-2", `http://127.0.0.1:${port}/readyz`, AbortSignal.timeout(60_000));
  await system.until(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    return /sightline_inference_frames_total[^\n]* [1-9]/.test(await response.text());
  });
  second.child.kill("SIGKILL");
  await second.exited;
  for (const name of names) await system.frames(name, 5);
  await expectLedgerToMatchStream();
}, 240_000);

test("NATS killed under load, and all tokens lost with it: everything resumes, nothing stored is doubled", async () => {
  await system.stack.restartNats("SIGKILL", (folder) =>
    rmSync(join(folder, streams.ready, "msgs"), { recursive: true }),
  );
  for (const name of names) await system.frames(name, 5);
  await expectLedgerToMatchStream();
}, 240_000);

test("results killed: its cameras and stream survive, and subscribers come back", async () => {
  system.stack.process("results").child.kill("SIGKILL");
  await system.stack.process("results").exited;
  await system.stack.startService("results");
  await system.stack.ready(
    "results",
    `http://127.0.0.1:${system.ports.results}/readyz`,
    AbortSignal.timeout(60_000),
  );
  for (const name of names) await system.frames(name, 3);
}, 240_000);

test("ingest killed: another takes its cameras in a new epoch", async () => {
  const before = (await system.frames("camera-1", 1))[0].frame.epoch;
  system.stack.process("ingest").child.kill("SIGKILL");
  await system.stack.process("ingest").exited;
  await system.stack.startService("ingest");
  await system.stack.ready(
    "ingest",
    `http://127.0.0.1:${system.ports.ingest}/readyz`,
    AbortSignal.timeout(60_000),
  );
  for (const name of names) await system.frames(name, 3);
  expect((await system.frames("camera-1", 1))[0].frame.epoch).not.toBe(before);
}, 240_000);
