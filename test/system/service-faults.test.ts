import { execFile } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { connect, type SightlineClient } from "@sightline/client";
import { leaseTtlMs, streams } from "@sightline/contracts";
import { connectNats, createLogger } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import { projectRoot, storedResults } from "@sightline/stack";
import { afterAll, beforeAll, expect, test } from "vitest";
import { System } from "./system.ts";

const names = ["camera-1", "camera-2", "camera-3"];
/** Registered for a moment only. */
const passing = "camera-4";
let system: System;
let client: SightlineClient;
let cameras: Awaited<ReturnType<System["cameras"]>>;

const model = "yolo-nas-pedestrians";
const models = mkdtempSync(join(tmpdir(), "sightline-models-"));

beforeAll(async () => {
  cpSync(join(projectRoot, "models", model), join(models, model), { recursive: true });
  system = await System.start({ SIGHTLINE_MODEL_DIR: models });
  client = connect(`127.0.0.1:${system.ports.grpc}`);
  cameras = await system.cameras(names.length + 1);
  for (const name of names) await system.register(name, { uri: cameras.url(name) });
  for (const name of names) await system.frames(name, 3);
});

afterAll(async () => {
  client?.close();
  await system?.stop();
  rmSync(models, { recursive: true });
});

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
      const ids = (await storedResults(system.natsAccess)).map(({ id }) => id);
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

/** Runs a command of the command line, and returns what it prints. @throws when it fails */
async function sightline(...args: string[]): Promise<string> {
  const env = { ...process.env, SIGHTLINE_GRPC: `127.0.0.1:${system.ports.grpc}` };
  return (await promisify(execFile)(join(projectRoot, "sightline"), args, { env })).stdout;
}

/** What changes of the model's version did to each camera's frames, beside what is always so. */
async function lossesOf(name: string): Promise<number> {
  const { lost, failed } = await system.ledger(name);
  return lost + failed;
}

/** Begins to activate a version, and returns how that ends once the worker has been told. */
async function beginActivation(version: string): Promise<{ outcome: Promise<string> }> {
  const outcome = client.models.activate(model, version).then(
    () => "activated",
    (error: Error) => error.message,
  );
  const { connection, kv } = await connectNats(system.natsAccess, "operator", createLogger("test", "fatal"));
  const bucket = await kv.open("model-versions");
  await system.until(async () => {
    const entry = await bucket.get(model);
    return entry?.json<{ candidate?: { version: string } }>().candidate?.version === version;
  });
  await connection.close();
  return { outcome };
}

test("the model's version is changed again and again under load: no frame is lost or doubled, and each says what made it", async () => {
  // Together about 20 frames a second.
  await setFps(7);
  const other = join(models, "other");
  mkdirSync(other);
  const manifest = JSON.parse(readFileSync(join(models, model, "model.json"), "utf8"));
  cpSync(join(models, model, manifest.files.int8Cpu.file), join(other, manifest.files.int8Cpu.file));
  writeFileSync(
    join(other, "model.json"),
    JSON.stringify({ ...manifest, files: { int8Cpu: manifest.files.int8Cpu } }),
  );
  const installed = await sightline("model", "install", other, "--model-dir", models);
  const [first, second] = [manifest.version as string, /version ([0-9a-f]{12}) is now/.exec(installed)![1]!];
  await system.until(async () => (await sightline("model", "versions", model)).includes(second));
  for (const version of ["2", "1"]) {
    const said = await sightline("model", "activate", `${model}@${version}`);
    expect(said).toMatch(/is served in version . \([0-9a-f]{12}\) by 1 worker/);
  }
  await client.models.activate(model, second);
  expect(await sightline("model", "rollback", model)).toContain(first);
  // With those before it makes 20 in a row.
  for (let n = 4; n < 20; n++) await client.models.activate(model, n % 2 === 0 ? second : first);
  // What the version before had taken is finished by it; then all is the other's.
  const versionsOf = async (name: string, count: number) =>
    (await system.frames(name, count)).map(({ inference }) => inference.modelVersion);
  for (const name of names) {
    await system.until(async () => (await versionsOf(name, 1))[0] === first);
    expect(await versionsOf(name, 3)).toEqual([first, first, first]);
  }
  await expectLedgerToMatchStream();
  for (const name of names) expect(await lossesOf(name)).toBe(0);
  const stored = (await storedResults(system.natsAccess)).map(({ version }) => version);
  expect(new Set(stored)).toEqual(new Set([first, second]));

  await setFps(7);
  // In the middle of a change the worker is killed, and then NATS: it ends well or not at all.
  const killed = await beginActivation(second);
  const worker = system.stack.process("inference");
  worker.child.kill("SIGKILL");
  await worker.exited;
  await system.stack.startService("inference");
  expect(await killed.outcome).toMatch(/nothing has changed: worker .* ended|^activated$/);
  await system.frames(names[0]!, 1);
  const cut = await beginActivation(second);
  await system.stack.restartNats("SIGKILL");
  expect(await cut.outcome).toMatch(/nothing has changed|does not answer|^activated$/);
  // A change that was told while NATS was away comes after it, and the version before still finishes what it has.
  await system.until(async () => {
    const [served] = await client.models.list();
    const [frame] = await system.frames(names[0]!, 1);
    return frame.inference.modelVersion === served?.activeVersion;
  });
  await expectLedgerToMatchStream();
}, 400_000);

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
  // It stands still with frames in its hands: what it was to read stays for it, and is given up with it.
  const held = async () => (await system.metrics("ingest")).sum("sightline_frame_memory_bytes") ?? 0;
  await system.until(async () => {
    second.child.kill("SIGSTOP");
    for (let i = 0; i < 10; i++) {
      if ((await held()) > 0) continue;
      second.child.kill("SIGCONT");
      return false;
    }
    return true;
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

test("NATS away for longer than a lease lives: the cameras stay connected, and their ledgers go on", async () => {
  const before = await Promise.all(names.map((name) => system.camera(name)));
  const nats = system.stack.process("nats-server");
  nats.child.kill("SIGKILL");
  await nats.exited;
  await delay(leaseTtlMs + 2_000);
  await system.stack.startAgain(nats);
  for (const name of names) await system.frames(name, 3);
  const after = await Promise.all(names.map((name) => system.camera(name)));
  expect(after.map(({ status }) => status.epoch)).toEqual(before.map(({ status }) => status.epoch));
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
