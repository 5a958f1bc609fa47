import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@sightline/client";
import { FrameDetections, formatFrameId, subjects } from "@sightline/contracts";
import { connectNats, createLogger, type Nats } from "@sightline/service";
import { freePort, NatsServer } from "@sightline/service/testing";
import { ManagedProcess, projectRoot } from "@sightline/stack";
import type { BareSettings } from "./bare-subscriber-server-process.ts";
import { benchCamera, benchFrame } from "./bench-frame.ts";
import { BenchProcess, type Usage } from "./bench-process.ts";
import { paced } from "./paced.ts";

/** A server whose subscribers get frames 1, 2, 3 … of one camera. */
export interface BenchedServer {
  address: string;
  pid: number;
  /** Sends so many frames at this rate; resolves when the last has gone out. */
  send(frames: number, rate: number): Promise<void>;
  stop(): Promise<void>;
}

const startLimitMs = 30_000;

/** The results service in a process of its own, on a NATS server of its own; frames are published as a worker does. */
export class ResultsServer implements BenchedServer {
  readonly address: string;
  readonly pid: number;
  readonly #nats: NatsServer;
  readonly #connection: Nats;
  readonly #process: ManagedProcess;
  readonly #directory: string;

  private constructor(
    address: string,
    nats: NatsServer,
    connection: Nats,
    process: ManagedProcess,
    directory: string,
  ) {
    this.address = address;
    this.pid = process.child.pid!;
    this.#nats = nats;
    this.#connection = connection;
    this.#process = process;
    this.#directory = directory;
  }

  /** `profile`: directory that a CPU profile of the service is written to. */
  static async start({
    subscribers,
    profile,
  }: {
    subscribers: number;
    profile?: string;
  }): Promise<ResultsServer> {
    const nats = await NatsServer.start();
    const directory = await mkdtemp(join(tmpdir(), "sightline-bench-"));
    const address = `127.0.0.1:${await freePort()}`;
    const child = await ManagedProcess.start({
      name: "results",
      command: process.execPath,
      args: [
        "--disable-warning=ExperimentalWarning",
        ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : []),
        join(projectRoot, "services/results/src/main.ts"),
      ],
      env: {
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_GRPC: address,
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
        SIGHTLINE_MAX_SUBSCRIBERS: String(Math.max(subscribers, 1_000)),
      },
      logFile: join(directory, "results.log"),
    });
    try {
      await registerCamera(child, address);
      const connection = await connectNats(nats.url, "bench", createLogger("bench", "warn"));
      return new ResultsServer(address, nats, connection, child, directory);
    } catch (error) {
      await child.stop();
      await nats.stop();
      throw error;
    }
  }

  async send(frames: number, rate: number): Promise<void> {
    const published: Promise<unknown>[] = [];
    await paced(frames, rate, (number) => {
      const data = FrameDetections.encode(benchFrame(number)).finish();
      const msgID = formatFrameId({ camera: benchCamera, epoch: "bench", number });
      published.push(this.#connection.jetstream.publish(subjects.detections(benchCamera), data, { msgID }));
    });
    await Promise.all(published);
  }

  async stop(): Promise<void> {
    await this.#connection.connection.close();
    await this.#process.stop();
    await this.#nats.stop();
    await rm(this.#directory, { recursive: true, force: true });
  }
}

/** A gRPC server that writes ready-made bytes, and nothing else. */
export class BareServer implements BenchedServer {
  readonly address: string;
  readonly pid: number;
  readonly #process: BenchProcess<Usage>;

  private constructor(address: string, process: BenchProcess<Usage>) {
    this.address = address;
    this.pid = process.pid;
    this.#process = process;
  }

  static async start(): Promise<BareServer> {
    const address = `127.0.0.1:${await freePort()}`;
    const settings: BareSettings = { address };
    return new BareServer(
      address,
      await BenchProcess.start<Usage>("./bare-subscriber-server-process.ts", settings),
    );
  }

  async send(frames: number, rate: number): Promise<void> {
    await this.#process.ask({ frames, rate });
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

/** Registers the camera once the service takes calls. @throws ProcessFailedError when it ends instead */
async function registerCamera(child: ManagedProcess, address: string): Promise<void> {
  const client = connect(address);
  const deadline = performance.now() + startLimitMs;
  try {
    for (;;) {
      if (!child.running) throw await child.failure();
      try {
        await client.cameras.register(benchCamera, { uri: "rtsp://127.0.0.1/none" });
        return;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(100);
      }
    }
  } finally {
    client.close();
  }
}
