import { execFile, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CameraServers } from "./system.ts";

const launcher = join(projectRoot, "sightline");

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

function sightline(args: string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(launcher, args, { env: { ...process.env, ...env } }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
    );
  });
}

/** Command lines of the running processes that were started, by whomever, with this directory for temporary files. */
function processesOf(temporary: string): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const environment = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
        const line = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
        return environment.includes(`TMPDIR=${temporary}`) ? [line] : [];
      } catch {
        // It ended meanwhile, or is another user's.
        return [];
      }
    });
}

describe("the demo", () => {
  const temporary = mkdtempSync(join(tmpdir(), "sightline-demos-"));
  const env = { TMPDIR: temporary };

  afterAll(() => rmSync(temporary, { recursive: true }));

  test("reports every camera's people and a balanced ledger, and leaves nothing behind", async () => {
    const { code, stdout } = await sightline(["demo", "--cameras", "2", "--duration", "8", "--json"], env);
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      executionProvider: "cpu",
      model: "yolo-nas-pedestrians",
      precision: "int8",
    });
    expect(result.cameras.map(({ name }: { name: string }) => name)).toEqual(["camera-1", "camera-2"]);
    for (const camera of result.cameras) {
      const dropped = Object.values<number>(camera.dropped).reduce((sum, count) => sum + count, 0);
      expect(camera.captured).toBe(camera.inferred + dropped + camera.inFlight);
      expect(camera.detections).toBeGreaterThan(camera.inferred);
      expect(camera.deliveredFps).toBeGreaterThan(0);
      expect(camera).toMatchObject({ capturedFps: expect.any(Number), inferredFps: expect.any(Number) });
    }
    expect(Object.keys(result.latencyMs.stages)).toEqual([
      "decode",
      "queue",
      "batch",
      "infer",
      "post",
      "track",
      "deliver",
    ]);
    await expect.poll(() => processesOf(temporary)).toEqual([]);
    expect(readdirSync(temporary).filter((name) => name.startsWith("sightline-"))).toEqual([]);
  });

  test("Ctrl-C stops everything, and ends with a summary", async () => {
    const demo = spawn(launcher, ["demo", "--cameras", "1"], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const lines: string[] = [];
    createInterface({ input: demo.stdout }).on("line", (line) => lines.push(line));
    await expect
      .poll(() => lines.some((line) => /camera-1 +live +\d+ +[1-9]/.test(line)), { timeout: 120_000 })
      .toBe(true);
    expect(processesOf(temporary).some((line) => line.includes("rtsp-camera.py"))).toBe(true);
    demo.kill("SIGINT");
    expect(await once(demo, "close")).toEqual([0, null]);
    const [, ...sums] = /^frames +(\d+) captured = (\d+) inferred \+ (\d+) dropped.* \+ (\d+) in flight$/m
      .exec(lines.join("\n"))!
      .map(Number);
    expect(sums[0]).toBe(sums[1]! + sums[2]! + sums[3]!);
    expect(lines.at(-1)).toBe("model       yolo-nas-pedestrians, int8 on cpu");
    await expect.poll(() => processesOf(temporary)).toEqual([]);
  });
});

describe("up and the camera commands", () => {
  let env: NodeJS.ProcessEnv;
  let up: ReturnType<typeof spawn>;
  let cameras: CameraServers;
  const data = mkdtempSync(join(tmpdir(), "sightline-up-"));
  let said: string[];

  async function start(): Promise<void> {
    up = spawn(launcher, ["up", "--data", data], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    said = [];
    createInterface({ input: up.stderr! }).on("line", (line) => said.push(line));
    for await (const line of createInterface({ input: up.stdout! }))
      if (line.includes("Sightline is up")) break;
    up.stdout!.resume();
  }

  async function stop(): Promise<void> {
    up.kill("SIGTERM");
    expect(await once(up, "exit")).toEqual([0, null]);
  }

  beforeAll(async () => {
    const port = async () => `127.0.0.1:${await freePort()}`;
    env = {
      SIGHTLINE_NATS_URL: `nats://${await port()}`,
      SIGHTLINE_GRPC: await port(),
      SIGHTLINE_RESULTS_HTTP: await port(),
      SIGHTLINE_INGEST_HTTP: await port(),
      SIGHTLINE_INFERENCE_HTTP: await port(),
    };
    cameras = new CameraServers();
    await start();
  });

  afterAll(async () => {
    await stop();
    await cameras.stop();
    rmSync(data, { recursive: true, force: true });
  });

  test("add, list, get, watch, update, remove, and state that outlives a restart", async () => {
    const served = await cameras.start(1);
    const url = served.url("camera-1");
    expect(
      await sightline(["camera", "add", "door", url, "--fps", "5", "--classes", "person"], env),
    ).toMatchObject({ code: 0 });
    expect(JSON.parse((await sightline(["camera", "list", "--json"], env)).stdout)).toEqual([
      expect.objectContaining({ name: "door", uri: url }),
    ]);

    const watch = spawn(launcher, ["watch", "--camera", "door", "--json"], {
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "inherit"],
    });
    for await (const line of createInterface({ input: watch.stdout })) {
      expect(JSON.parse(line).camera).toMatch(/door$/);
      break;
    }
    watch.kill("SIGINT");
    await once(watch, "exit");

    expect(await sightline(["camera", "update", "door", "--fps", "2"], env)).toMatchObject({ code: 0 });
    await stop();
    await start();
    expect(JSON.parse((await sightline(["camera", "get", "door", "--json"], env)).stdout)).toMatchObject({
      name: "door",
      targetFps: 2,
    });
    expect(await sightline(["camera", "remove", "door"], env)).toMatchObject({ code: 0 });
    expect(await sightline(["camera", "get", "door"], env)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^.*door.*\n$/),
    });
  }, 200_000);

  test("ends with the reason when a service has a wrong setting", async () => {
    const ports = { ...env };
    for (const name of Object.keys(ports)) {
      const address = `127.0.0.1:${await freePort()}`;
      ports[name] = name === "SIGHTLINE_NATS_URL" ? `nats://${address}` : address;
    }
    const other = mkdtempSync(join(tmpdir(), "sightline-wrong-"));
    const outcome = await sightline(["up", "--data", other], { ...ports, SIGHTLINE_EVENTS_MAX_BYTES: "5" });
    rmSync(other, { recursive: true, force: true });
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toMatch(
      /results ended with exit code 2:\s+.*SIGHTLINE_EVENTS_MAX_BYTES = "5": expected at least 16777216/s,
    );
  });

  test("what was killed is started again, and said so in a line", async () => {
    const kill = (pattern: string) => execFileSync("pkill", ["-KILL", "-P", String(up.pid), "-f", pattern]);
    const isReady = async (variable: string) =>
      (await fetch(`http://${env[variable]}/readyz`).catch(() => undefined))?.ok;
    for (const [pattern, name] of [
      ["nats-server", "nats-server"],
      ["services/results/src/main.ts", "results"],
      ["services/ingest/src/main.ts", "ingest"],
    ] as const) {
      kill(pattern);
      await expect
        .poll(() => said.filter((line) => line.includes(`${name} ended by SIGKILL; it is started again`)), {
          timeout: 20_000,
        })
        .toHaveLength(1);
    }
    for (const variable of ["SIGHTLINE_RESULTS_HTTP", "SIGHTLINE_INGEST_HTTP", "SIGHTLINE_INFERENCE_HTTP"])
      await expect.poll(() => isReady(variable), { timeout: 90_000 }).toBe(true);
    expect(await sightline(["camera", "list"], env)).toMatchObject({ code: 0 });
  }, 200_000);

  test("probe tells what a camera sends, or why it does not", async () => {
    const served = await cameras.start(1);
    const good = await sightline(["camera", "probe", served.url("camera-1"), "--json"]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout)).toMatchObject({
      codec: "h264",
      width: 768,
      height: 576,
      transport: "tcp",
    });
    const bad = await sightline(["camera", "probe", `rtsp://${served.address}/nothing-here`]);
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringMatching(/^[^\n]+\n$/) });
  });
});

test("a service refuses a wrong setting with exit code 2 and a line that names it", async () => {
  for (const [service, variable, value] of [
    ["ingest", "SIGHTLINE_STALL_SECONDS", "soon"],
    ["inference", "SIGHTLINE_EXECUTION_PROVIDER", "quantum"],
    ["results", "SIGHTLINE_GRPC", "everywhere"],
  ] as const) {
    const child = spawn(process.execPath, [join(projectRoot, "services", service, "src/main.ts")], {
      env: { ...process.env, [variable]: value },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let stderr = "";
    child.stderr.on("data", (chunk) => {
      stderr += chunk;
    });
    expect(await once(child, "close")).toEqual([2, null]);
    expect(stderr).toContain(`${variable} = "${value}": expected`);
  }
});

test("without a server the error says how to start one", async () => {
  const { code, stderr } = await sightline(["camera", "list"], {
    SIGHTLINE_GRPC: `127.0.0.1:${await freePort()}`,
  });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^[^\n]*\.\/sightline up[^\n]*\n$/);
});
