import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type NatsAccess, natsKeyFile } from "@sightline/service";
import { RtspCameras, Stack, type StackPorts } from "@sightline/stack";
import { vi } from "vitest";
import { freePorts } from "./free-ports.ts";
import { ForeignClient, type Json } from "./grpc.ts";
import { Scrape } from "./metrics.ts";

/** RTSP servers that are stopped together. */
export class CameraServers {
  readonly directory = mkdtempSync(join(tmpdir(), "sightline-cameras-"));
  readonly #servers: RtspCameras[] = [];

  /** Starts an RTSP server with `count` cameras. */
  async start(count: number, credentials: { user?: string; password?: string } = {}): Promise<RtspCameras> {
    const logFile = join(this.directory, `rtsp-camera-${this.#servers.length}.log`);
    const server = await RtspCameras.start({ count, logFile, ...credentials });
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

  /** A `directory` that is given is left for its owner to remove. */
  static async start(env: NodeJS.ProcessEnv = {}, given?: string): Promise<System> {
    const directory = given ?? mkdtempSync(join(tmpdir(), "sightline-system-"));
    const ports = await freePorts();
    const stack = await Stack.start({ directory, ports, env }, AbortSignal.timeout(100_000));
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
    const log = readFileSync(join(this.directory, "logs", "nats-server.log"), "utf8");
    return log.split("\n").filter((line) => line.includes("Violation"));
  }

  /** How a test reaches NATS. */
  get natsAccess(): NatsAccess {
    return {
      natsUrl: `nats://127.0.0.1:${this.ports.nats}`,
      natsNkeyFile: natsKeyFile(this.stack.natsKeysDirectory, "operator"),
    };
  }

  /** Starts an RTSP server with `count` cameras. */
  cameras(count: number, credentials: { user?: string; password?: string } = {}): Promise<RtspCameras> {
    return this.#cameras.start(count, credentials);
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

  /** The camera's ledger from ingest's metrics, taken in one scrape. */
  async ledger(id: string) {
    const scrape = await this.metrics("ingest");
    const value = (name: string, labels = {}) =>
      scrape.sum(`sightline_frames_${name}`, { camera: id, ...labels }) ?? 0;
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
