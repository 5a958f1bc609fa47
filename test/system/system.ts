import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NatsAccess } from "@sightline/service";
import { freePort } from "@sightline/service/testing";
import {
  type ClusterPorts,
  type RtspCameraOptions,
  RtspCameras,
  Stack,
  type StackPorts,
} from "@sightline/stack";
import { vi } from "vitest";
import { ForeignClient, type Json } from "./grpc.ts";

type CameraOptions = Omit<RtspCameraOptions, "count" | "logFile">;

/** RTSP servers that are stopped together. */
export class CameraServers {
  readonly directory = mkdtempSync(join(tmpdir(), "sightline-cameras-"));
  readonly #servers: RtspCameras[] = [];

  /** Starts an RTSP server with `count` cameras. */
  async start(count: number, options: CameraOptions = {}): Promise<RtspCameras> {
    const logFile = join(this.directory, `rtsp-camera-${this.#servers.length}.log`);
    const server = await RtspCameras.start({ count, logFile, ...options });
    this.#servers.push(server);
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** A whole Sightline on free ports with real cameras, for one test file. */
export class System {
  readonly stack: Stack;
  readonly ports: StackPorts;
  readonly client: ForeignClient;
  readonly directory: string;
  readonly #cameras = new CameraServers();
  readonly #isGiven: boolean;

  private constructor(stack: Stack, ports: StackPorts, directory: string, isGiven: boolean) {
    this.#isGiven = isGiven;
    this.stack = stack;
    this.ports = ports;
    this.directory = directory;
    this.client = new ForeignClient(`127.0.0.1:${ports.grpc}`);
  }

  /** A `directory` that is given is left for its owner to remove; more than one of `nodes` is a cluster. */
  static async start(env: NodeJS.ProcessEnv = {}, given?: string, nodes = 1): Promise<System> {
    const directory = given ?? mkdtempSync(join(tmpdir(), "sightline-system-"));
    const ports = await stackPorts();
    const cluster = nodes > 1 ? await clusterPorts(ports, nodes) : undefined;
    const stack = await Stack.start({ directory, ports, cluster, env }, AbortSignal.timeout(180_000));
    return new System(stack, ports, directory, given !== undefined);
  }

  async stop(): Promise<void> {
    await this.#cameras.stop();
    await this.stack.stop();
    const refused = this.#refusals();
    if (!this.#isGiven) rmSync(this.directory, { recursive: true, force: true });
    if (refused.length > 0) throw new Error(`NATS refused what a service does:\n${refused.join("\n")}`);
  }

  /** What NATS did not allow a service, whose list of subjects then lacks one. */
  #refusals(): string[] {
    const logs = readdirSync(join(this.directory, "logs")).filter((name) => name.startsWith("nats-server"));
    return logs.flatMap((name) =>
      readFileSync(join(this.directory, "logs", name), "utf8")
        .split("\n")
        .filter((line) => line.includes("Violation")),
    );
  }

  /** How a test reaches NATS. */
  get natsAccess(): NatsAccess {
    return this.stack.natsAccess;
  }

  /** Starts an RTSP server with `count` cameras. */
  cameras(count: number, options: CameraOptions = {}): Promise<RtspCameras> {
    return this.#cameras.start(count, options);
  }

  async register(id: string, camera: Json): Promise<Json> {
    return (await this.client.call("CameraService/RegisterCamera", { cameraId: id, camera })).camera;
  }

  async remove(id: string): Promise<void> {
    await this.client.call("CameraService/DeleteCamera", { name: `cameras/${id}` });
  }

  async camera(id: string): Promise<Json> {
    return (await this.client.call("CameraService/GetCamera", { name: `cameras/${id}` })).camera;
  }

  /** Waits until a watched camera satisfies `wanted`, and returns it. */
  async cameraThat(id: string, wanted: (camera: Json) => boolean): Promise<Json> {
    for await (const { camera } of this.client.stream("CameraService/WatchCameras"))
      if (camera.name === `cameras/${id}` && wanted(camera)) return camera;
    throw new Error("the camera watch ended");
  }

  /** The next `count` frames of a camera as a subscriber sees them. */
  async frames(id: string, count: number): Promise<Json[]> {
    const frames: Json[] = [];
    const request = { cameras: [`cameras/${id}`], includeEmpty: true };
    for await (const { frame } of this.client.stream("DetectionService/SubscribeDetections", request)) {
      if (frame) frames.push(frame);
      if (frames.length === count) break;
    }
    return frames;
  }

  metrics(service: "results" | "ingest" | "inference"): Promise<Scrape> {
    return Scrape.of(`127.0.0.1:${this.ports[service]}`);
  }

  /** The camera's ledger from the metrics of ingest, taken in one scrape of each process. */
  async ledger(id: string) {
    const addresses = [this.ports.ingest, this.stack.cluster?.second.ingest]
      .filter((port) => port !== undefined)
      .map((port) => `127.0.0.1:${port}`);
    const scrapes = await Promise.all(addresses.map((address) => Scrape.of(address)));
    const value = (name: string, labels = {}) =>
      scrapes.reduce(
        (sum, scrape) => sum + (scrape.sum(`sightline_frames_${name}`, { camera: id, ...labels }) ?? 0),
        0,
      );
    return {
      captured: value("captured_total"),
      inferred: value("inferred_total"),
      dropped: value("dropped_total"),
      inFlight: value("in_flight"),
      lost: value("dropped_total", { reason: "worker_lost" }),
      failed: value("dropped_total", { reason: "worker_error" }),
    };
  }

  /** Polls until `condition` holds; a bound on patience, not a measurement. */
  async until(condition: () => Promise<boolean> | boolean, timeout = 60_000): Promise<void> {
    await vi.waitUntil(condition, { timeout, interval: 100 });
  }
}

/** Ports for a stack that only it uses. */
export async function stackPorts(): Promise<StackPorts> {
  return {
    nats: await freePort(),
    grpc: await freePort(),
    results: await freePort(),
    analysis: await freePort(),
    ingest: await freePort(),
    inference: await freePort(),
  };
}

/** Ports for a cluster that only it uses. */
export async function clusterPorts({ nats }: StackPorts, servers: number): Promise<ClusterPorts> {
  const nodes = [{ nats, route: await freePort() }];
  while (nodes.length < servers) nodes.push({ nats: await freePort(), route: await freePort() });
  const { nats: _, ...second } = await stackPorts();
  return { nodes, second };
}

/** Samples of one scrape: `name{labels}` → value, labels as the service wrote them. */
export class Scrape {
  readonly #samples: { name: string; labels: Record<string, string>; value: number }[] = [];

  /** Reads the Prometheus text format. */
  constructor(text: string) {
    for (const line of text.split("\n")) {
      const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ([^ ]+)/.exec(line);
      if (!match) continue;
      const labels = Object.fromEntries(
        [...(match[2] ?? "").matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key, value]) => [key!, value!]),
      );
      this.#samples.push({ name: match[1]!, labels, value: Number(match[3]) });
    }
  }

  static async of(address: string): Promise<Scrape> {
    const ask = () => fetch(`http://${address}/metrics`);
    // A connection that was kept may be closed by the server at this very moment.
    const response = await ask().catch(ask);
    if (!response.ok) throw new Error(`${address}/metrics answers ${response.status}`);
    return new Scrape(await response.text());
  }

  /** Sum of all samples of a name whose labels include these; undefined when there is none. */
  sum(name: string, labels: Record<string, string> = {}): number | undefined {
    const found = this.#samples.filter(
      (sample) =>
        sample.name === name && Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
    );
    return found.length === 0 ? undefined : found.reduce((sum, sample) => sum + sample.value, 0);
  }
}
