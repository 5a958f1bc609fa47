import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "@sightline/client";
import { EventType } from "@sightline/contracts";
import { authorizationFile, natsKeyFile, writeNatsKeys } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { ManagedProcess, nodeOptions, projectRoot, storedEvents, storedResults } from "@sightline/stack";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { LastVersion, whyNoLastVersion } from "../upgrade/last-version.ts";
import { CameraServers, Scrape } from "./system.ts";

const serviceNames = ["results", "inference", "ingest"] as const;
type ServiceName = (typeof serviceNames)[number];
const cameras = ["camera-1", "camera-2", "camera-3", "camera-4"];

/** A service of one of the two versions. */
interface Running {
  name: ServiceName;
  process: ManagedProcess;
  /** Of its health and metrics. */
  http: string;
  /** Of the API, if it is results. */
  grpc: string;
}

const why = whyNoLastVersion();
describe.skipIf(why !== undefined)(`services of two versions side by side${why ? `: ${why}` : ""}`, () => {
  const directory = mkdtempSync(join(tmpdir(), "sightline-upgrade-"));
  const rtsp = new CameraServers();
  let last: LastVersion;
  let nats: NatsServer;
  let keys: string;
  let count = 0;
  const logs: string[] = [];
  const running = new Map<ServiceName, Running>();
  /** What a program was told of events, in order, wherever it asked; and what a named subscription gave. */
  const told: string[] = [];
  const acknowledged: string[] = [];
  let cursor: string | undefined;
  let following: { stop(): Promise<void> } | undefined;

  const access = () => ({ natsUrl: nats.url, natsNkeyFile: natsKeyFile(keys, "operator") });
  const client = () => connect(running.get("results")!.grpc);

  async function start(name: ServiceName, version: "last" | "this"): Promise<Running> {
    const root = version === "last" ? last.root : projectRoot;
    const [http, grpc] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
    const logFile = join(directory, `${name}-${version}-${++count}.log`);
    logs.push(logFile);
    const process = await ManagedProcess.start({
      name,
      command: globalThis.process.execPath,
      args: [...nodeOptions, join(root, "services", name, "src/main.ts")],
      cwd: root,
      logFile,
      env: {
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_NATS_NKEY_FILE: natsKeyFile(keys, name),
        SIGHTLINE_GRPC: grpc,
        [`SIGHTLINE_${name.toUpperCase()}_HTTP`]: http,
        SIGHTLINE_RECORDINGS_DIRECTORY: join(directory, `recordings-${count}`),
        SIGHTLINE_THREADS: "1",
      },
    });
    await vi.waitFor(
      async () => {
        if (!process.running) throw await process.failure();
        expect((await fetch(`http://${http}/readyz`)).status).toBe(200);
      },
      { timeout: 60_000, interval: 200 },
    );
    return { name, process, http, grpc };
  }

  /** Starts a service of a version beside the one that runs, and then ends that in good order. */
  async function replace(name: ServiceName, version: "last" | "this"): Promise<void> {
    const old = running.get(name);
    running.set(name, await start(name, version));
    await everyCameraIsAnalysed();
    if (name === "results") await following?.stop();
    await old?.process.stop();
    if (name === "results") follow();
    await everyCameraIsAnalysed();
  }

  /** Follows events as a program does that keeps its place, and as one with a named subscription. */
  function follow(): void {
    const ending = new AbortController();
    const { signal } = ending;
    const sightline = client();
    const { events, subscriptions } = sightline;
    const byCursor = async () => {
      for await (const message of events.subscribe({ start: cursor ? { cursor } : "beginning", signal })) {
        cursor = message.cursor;
        told.push(
          message.kind === "event" ? `${message.event.name} ${message.event.revision}` : message.kind,
        );
      }
    };
    const byName = async () => {
      for await (const message of subscriptions.consume("upgrade", { signal })) {
        acknowledged.push(
          message.kind === "event" ? `${message.event.name} ${message.event.revision}` : message.kind,
        );
        if (message.kind !== "gap") await message.ack();
      }
    };
    const done = Promise.allSettled([byCursor(), byName()]);
    following = {
      stop: async () => {
        ending.abort();
        await done;
        sightline.close();
      },
    };
  }

  beforeAll(async () => {
    last = LastVersion.layOut();
    nats = await NatsServer.start((folder) => {
      keys = join(folder, "keys");
      writeNatsKeys(keys);
      return `include "keys/${authorizationFile}"`;
    });
    for (const name of serviceNames) running.set(name, await start(name, "last"));
    const server = await rtsp.start(cameras.length, { speed: 0.2 });
    const sightline = client();
    await sightline.subscriptions.create("upgrade", { kind: "events", start: "beginning" });
    for (const name of cameras) {
      await sightline.cameras.register(name, { uri: server.url(name), targetFps: 1 });
      await sightline.rules.update(name, { rules: [{ type: EventType.APPEARED }] });
    }
    sightline.close();
    follow();
    await everyCameraIsAnalysed();
  }, 400_000);

  afterAll(async () => {
    await following?.stop();
    for (const { process } of running.values()) await process.stop();
    await rtsp.stop();
    await nats?.stop();
    last?.remove();
    rmSync(directory, { recursive: true, force: true });
  });

  /** Returns when two more frames of every camera have been analysed. */
  async function everyCameraIsAnalysed(): Promise<void> {
    const sightline = client();
    const missing = new Map(cameras.map((name) => [`cameras/${name}`, 2]));
    for await (const message of sightline.detections.subscribe({ includeEmpty: true })) {
      if (message.kind !== "frame") continue;
      const { camera } = message.frame.frame!;
      const left = (missing.get(camera) ?? 1) - 1;
      if (left > 0) missing.set(camera, left);
      else missing.delete(camera);
      if (missing.size === 0) break;
    }
    sightline.close();
  }

  /** What is stored was stored once and told once, in order; the ledger of what runs now equals it; nobody read what it could not. */
  async function expectNothingLostOrDoubled(): Promise<void> {
    const sightline = client();
    const setFps = (targetFps: number) =>
      Promise.all(cameras.map((name) => sightline.cameras.update(name, { targetFps })));
    await setFps(0.02);
    await vi.waitFor(
      async () => {
        const ids = (await storedResults(access())).map(({ id }) => id);
        expect(new Set(ids).size).toBe(ids.length);
        const scrape = await Scrape.of(running.get("ingest")!.http);
        for (const name of cameras) {
          const { status } = await sightline.cameras.get(name);
          const value = (metric: string) => scrape.sum(`sightline_frames_${metric}`, { camera: name }) ?? 0;
          const inferred = value("inferred_total");
          expect(value("captured_total")).toBe(inferred + value("dropped_total") + value("in_flight"));
          expect(
            ids.filter((id) => id.startsWith(`${name}:${status!.epoch}:`)),
            name,
          ).toHaveLength(inferred);
        }
        const stored = await storedEvents(access());
        expect(new Set(stored).size).toBe(stored.length);
        expect(told).toEqual(stored);
        expect([...acknowledged].sort()).toEqual([...stored].sort());
        expect(stored.length).toBeGreaterThan(0);
      },
      { timeout: 60_000, interval: 1_000 },
    );
    await setFps(1);
    sightline.close();
    expect(complaints()).toEqual([]);
  }

  /** What services could not read of each other. */
  function complaints(): string[] {
    return logs.flatMap((file) =>
      readFileSync(file, "utf8")
        .split("\n")
        .filter((line) =>
          /cannot be read|begins (?:anew|again)|is no token|"level":"(?:error|fatal)"/.test(line),
        )
        // Last results does not list a worker that also tells of second stages; nothing else follows from it.
        .filter((line) => !/"bucket":"workers".*secondStages/.test(line)),
    );
  }

  test("each service of this version takes over from one of the last, results first: no event is lost or doubled", async () => {
    await replace("results", "this");
    // What the ingest of the last version does not know in a request for a picture costs nobody the picture.
    const sightline = client();
    const picture = await sightline.cameras.snapshot("camera-1");
    expect(Buffer.from(picture.jpeg).subarray(0, 2).toString("hex")).toBe("ffd8");
    // What it does not know of a camera is left for the ingest that does.
    await sightline.cameras.update("camera-2", { weight: 2 });
    sightline.close();
    await replace("inference", "this");
    await replace("ingest", "this");
    await expectNothingLostOrDoubled();
  }, 400_000);

  test("and back, in the reverse order", async () => {
    for (const name of [...serviceNames].reverse()) await replace(name, "last");
    await expectNothingLostOrDoubled();
  }, 400_000);
});
