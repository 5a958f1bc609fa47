import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { StoredMsg } from "@nats-io/jetstream";
import { cameraIdOf, FrameDetections, formatFrameId, streams } from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { System } from "./system.ts";

const names = ["camera-1", "camera-2", "camera-3"];
/** Registered for a moment only. */
const passing = "camera-4";
let system: System;
let cameras: Awaited<ReturnType<System["cameras"]>>;

beforeAll(async () => {
  system = await System.start();
  cameras = await system.cameras(names.length + 1);
  for (const name of names) await system.register(name, { uri: cameras.url(name) });
  for (const name of names) await system.frames(name, 3);
});

afterAll(() => system?.stop());

/** Ids of all frames in the stream, in the order stored. */
async function storedFrames(): Promise<string[]> {
  const { connection, manager } = await connectNats(
    system.natsAccess,
    "operator",
    createLogger("test", "fatal"),
  );
  try {
    const stream = await manager.streams.get(streams.detections);
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
      // Nor does a frame that is done with, or whose worker or camera is gone, take shared memory.
      return (await system.metrics("ingest")).sum("sightline_frame_memory_bytes") === 0;
    }, 90_000);
  } finally {
    await setFps(0);
  }
}

/** Shared memory that a process has, or has left. */
function arenasOf(pid: number | undefined): string[] {
  const folder = `/dev/shm/sightline-${process.getuid?.()}`;
  return readdirSync(folder).filter((name) => name.split("-")[2] === String(pid));
}

test("a worker killed, and a camera removed, in the middle of the work: no frame is lost from the ledger, none doubled", async () => {
  const port = await freePort();
  const env = { SIGHTLINE_INFERENCE_HTTP: `127.0.0.1:${port}` };
  const second = await system.stack.startService("inference", env, "inference-2");
  await system.stack.ready("inference-2", `http://127.0.0.1:${port}/readyz`, AbortSignal.timeout(60_000));
  await system.until(async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    const text = await response.text();
    const byHandle = /sightline_inference_frames_received_total\{as="handle"\} [1-9]/.test(text);
    return byHandle && /sightline_inference_frames_total[^\n]* [1-9]/.test(text);
  });
  await system.register(passing, { uri: cameras.url(passing) });
  await system.frames(passing, 3);
  await system.remove(passing);
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

test("ingest killed, one of two on the host: its cameras go on in a new epoch, and no shared memory is left", async () => {
  const before = (await system.frames("camera-1", 1))[0].frame.epoch;
  const port = await freePort();
  const second = await system.stack.startService(
    "ingest",
    { SIGHTLINE_INGEST_HTTP: `127.0.0.1:${port}`, SIGHTLINE_INGEST_ID: "ingest-2" },
    "ingest-2",
  );
  await system.stack.ready("ingest-2", `http://127.0.0.1:${port}/readyz`, AbortSignal.timeout(60_000));
  // It takes a new camera; both then share frames with the one worker.
  await system.until(async () => {
    await system.register(passing, { uri: cameras.url(passing) });
    await system.frames(passing, 3);
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    if (/frames_handed_over_total\{as="handle"\} [1-9]/.test(text)) return true;
    await system.remove(passing);
    return false;
  });
  const first = system.stack.process("ingest");
  expect(arenasOf(first.child.pid)).toHaveLength(1);
  expect(arenasOf(second.child.pid)).toHaveLength(1);
  for (const killed of [first, second]) {
    killed.child.kill("SIGKILL");
    await killed.exited;
  }
  await system.stack.startService("ingest");
  await system.stack.ready(
    "ingest",
    `http://127.0.0.1:${system.ports.ingest}/readyz`,
    AbortSignal.timeout(60_000),
  );
  expect([first, second].flatMap(({ child }) => arenasOf(child.pid))).toEqual([]);
  for (const name of names) await system.frames(name, 3);
  expect((await system.frames("camera-1", 1))[0].frame.epoch).not.toBe(before);
}, 240_000);
