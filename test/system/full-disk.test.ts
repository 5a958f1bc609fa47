import { execFile, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { streams } from "@sightline/contracts";
import { connectNats, createLogger, type NatsAccess, natsKeyFile } from "@sightline/service";
import { NatsGuard, projectRoot, Supervisor } from "@sightline/stack";
import { afterAll, expect, test } from "vitest";
import { System } from "./system.ts";

const megabyte = 1024 ** 2;
const directory = mkdtempSync(join(tmpdir(), "sightline-full-disk-"));
const disk = join(directory, "nats");
mkdirSync(disk);
// Only root may mount; elsewhere there is no disk that may be filled.
const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=192m", "tmpfs", disk]).status === 0;
const limits = {
  SIGHTLINE_DETECTIONS_MAX_BYTES: String(16 * megabyte),
  SIGHTLINE_EVENTS_MAX_BYTES: String(16 * megabyte),
  SIGHTLINE_SNAPSHOTS_MAX_BYTES: String(16 * megabyte),
  SIGHTLINE_AUDIT_MAX_BYTES: String(16 * megabyte),
};

let system: System | undefined;
const ending = new AbortController();
afterAll(async () => {
  ending.abort();
  await system?.stop();
  if (mounted) spawnSync("umount", [disk]);
  rmSync(directory, { recursive: true, force: true });
});

/** Takes all room that is left on the disk; the returned function gives it back. */
function fill(): () => void {
  const path = join(disk, "filler");
  const file = openSync(path, "w");
  try {
    for (const size of [megabyte, 4096]) {
      const block = Buffer.alloc(size);
      try {
        while (writeSync(file, block) === size);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
      }
    }
  } finally {
    closeSync(file);
  }
  return () => rmSync(path);
}

test.skipIf(!mounted)(
  "a full disk is named, and when there is room again all goes on and nothing stored is lost",
  {
    timeout: 400_000,
  },
  async () => {
    system = await System.start(limits, directory);
    const { stack, ports } = system;
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    void new Supervisor(stack, say).run(ending.signal);
    void new NatsGuard(stack, say).run(ending.signal);

    // Limits that do not fit are a line that names the setting.
    const results = spawn(process.execPath, [join(projectRoot, "services/results/src/main.ts")], {
      env: {
        ...process.env,
        ...limits,
        SIGHTLINE_EVENTS_MAX_BYTES: String(1024 * megabyte),
        SIGHTLINE_NATS_URL: `nats://127.0.0.1:${ports.nats}`,
        SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(stack.natsKeysDirectory, "results"),
        SIGHTLINE_GRPC: "127.0.0.1:0",
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    results.stderr.on("data", (chunk) => {
      log += chunk;
    });
    expect(await once(results, "close")).toEqual([2, null]);
    expect(log).toMatch(
      /"fatal".*the stream EVENTS may take .*1 GiB, but NATS has less storage left. Lower SIGHTLINE_EVENTS_MAX_BYTES/,
    );

    const cameras = await system.cameras(1);
    await system.register("camera-1", { uri: cameras.url("camera-1"), targetFps: 5 });
    await system.frames("camera-1", 5);
    const before = await newest(system.natsAccess);

    const empty = fill();
    const readyz = async (service: "results" | "ingest" | "inference") => {
      const response = await fetch(`http://127.0.0.1:${ports[service]}/readyz`).catch(() => undefined);
      return (await response?.json().catch(() => undefined)) as
        | { missing?: { jetstream?: string } }
        | undefined;
    };
    const findings = async () => {
      const response = await fetch(`http://127.0.0.1:${ports.results}/api/v1/system`).catch(() => undefined);
      const body = (await response?.json().catch(() => undefined)) as
        | { findings?: { text: string }[] }
        | undefined;
      return body?.findings?.map(({ text }) => text) ?? [];
    };
    let shown: string[] = [];
    const names = ["results", "ingest", "inference"] as const;
    await Promise.all([
      ...names.map((service) =>
        expect
          .poll(async () => (await readyz(service))?.missing?.jetstream, { timeout: 60_000 })
          .toMatch(/the stream [\w-]+ (takes no messages|cannot be read): /),
      ),
      expect
        .poll(
          async () => {
            shown = await findings();
            return shown;
          },
          { timeout: 60_000 },
        )
        .toContainEqual(
          expect.stringMatching(/disk of NATS is full: the stream [\w-]+ .*has 0 MiB of 192 MiB free/),
        ),
    ]);
    expect(shown.filter((text) => text.includes("No inference worker"))).toEqual([]);
    let told: Awaited<ReturnType<typeof doctor>> = [];
    // A server that hangs may take longer to answer results than doctor waits for it.
    await expect
      .poll(
        async () => {
          told = await doctor({
            SIGHTLINE_NATS_URL: `nats://127.0.0.1:${ports.nats}`,
            SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(stack.natsKeysDirectory, "operator"),
            SIGHTLINE_RESULTS_HTTP: `127.0.0.1:${ports.results}`,
          });
          return told;
        },
        { timeout: 60_000 },
      )
      .toContainEqual({
        name: expect.stringMatching(/^stream [\w-]+$/),
        state: "missing",
        detail: expect.stringMatching(/^the stream [\w-]+ (takes no messages|cannot be read): /),
        fix: expect.stringContaining("du -xah"),
      });
    const full = told.find(({ name }) => name === "disk of NATS");
    expect(full?.detail).toBe(
      `the disk of ${disk} has 0 MiB of 192 MiB free: it is full, and NATS may not store`,
    );
    expect(spawnSync("bash", ["-c", full?.fix ?? "exit 9"], { encoding: "utf8" }).stdout).toMatch(
      /^\S+M\t.*\/filler$/m,
    );
    await expect.poll(() => said).toContainEqual(expect.stringMatching(/0 MiB of 192 MiB free: make room/));
    const scrape = await system.metrics("results");
    expect(scrape.sum("sightline_stream_faults")).toBeGreaterThan(0);

    empty();
    await expect
      .poll(
        () =>
          system!.frames("camera-1", 1).then(
            () => true,
            () => false,
          ),
        { timeout: 120_000 },
      )
      .toBe(true);
    for (const service of names)
      await expect.poll(() => readyz(service), { timeout: 60_000 }).toEqual({ status: "ready" });
    const after = await newest(system.natsAccess);
    for (const [stream, messages] of before)
      expect(after.get(stream)).toEqual(expect.arrayContaining(messages));
  },
);

/** What `sightline doctor` tells; it fails. */
async function doctor(env: NodeJS.ProcessEnv): Promise<{ name: string; detail: string; fix?: string }[]> {
  const child = execFile(join(projectRoot, "sightline"), ["doctor", "--json"], {
    env: { ...process.env, ...env },
  });
  let text = "";
  child.stdout?.on("data", (data) => {
    text += data;
  });
  expect(await once(child, "close")).toEqual([1, null]);
  return JSON.parse(text).findings;
}

/** Sequences of what can be read of the streams that outlive everything. */
async function newest(access: NatsAccess): Promise<Map<string, number[]>> {
  const { connection, manager } = await connectNats(access, "operator", createLogger("test", "fatal"));
  try {
    const found = new Map<string, number[]>();
    for (const stream of [streams.timeline, streams.events]) {
      const { state } = await manager.streams.info(stream);
      const sequences: number[] = [];
      for (let seq = Math.max(1, state.first_seq); seq <= state.last_seq; seq++)
        if (await manager.streams.getMessage(stream, { seq })) sequences.push(seq);
      found.set(stream, sequences);
    }
    return found;
  } finally {
    await connection.close();
  }
}
