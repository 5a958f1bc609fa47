import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connect } from "@sightline/client";
import { FrameDetections, formatFrameId, streams, subjects } from "@sightline/contracts";
import { connectNats, createLogger, type Nats } from "@sightline/service";
import { makeSelfSigned } from "@sightline/service/self-signed";
import { freePort, NatsServer } from "@sightline/service/testing";
import { ManagedProcess, nodeOptions, projectRoot } from "@sightline/stack";
import type { BareSettings } from "./bare-subscriber-server-process.ts";
import { benchCamera, benchFrame } from "./bench-frame.ts";
import { BenchProcess, type Usage } from "./bench-process.ts";
import { paced } from "./measure.ts";

/** What a server with TLS and users asks of its callers. */
export interface Security {
  /** That vouches for itself, PEM. */
  certificate: string;
  token: string;
}

/** A server whose subscribers get frames 1, 2, 3 … of one camera. */
export interface BenchedServer {
  address: string;
  /** How subscribers get in, where not everybody may. */
  readonly secure?: Security | undefined;
  pid: number;
  /** Sends so many frames at this rate; resolves when the last has gone out. */
  send(frames: number, rate: number): Promise<void>;
  /** For each frame, milliseconds from the worker's message in NATS to the analysed frame there; none where nothing is analysed. */
  analysisMs(): Promise<number[]>;
  stop(): Promise<void>;
}

const startLimitMs = 30_000;

/** The results service in a process of its own, on a NATS server of its own; frames are published as a worker does. */
export class ResultsServer implements BenchedServer {
  readonly address: string;
  readonly pid: number;
  readonly secure: Security | undefined;
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
    secure: Security | undefined,
  ) {
    this.secure = secure;
    this.address = address;
    this.pid = process.child.pid!;
    this.#nats = nats;
    this.#connection = connection;
    this.#process = process;
    this.#directory = directory;
  }

  /** `profile`: directory that a CPU profile of the service is written to. `secure`: with TLS and users. */
  static async start({
    subscribers,
    profile,
    secure = false,
  }: {
    subscribers: number;
    profile?: string;
    secure?: boolean;
  }): Promise<ResultsServer> {
    const nats = await NatsServer.start();
    const directory = await mkdtemp(join(tmpdir(), "sightline-bench-"));
    const address = `127.0.0.1:${await freePort()}`;
    const certificate = secure ? await writeCertificate(directory) : undefined;
    const child = await ManagedProcess.start({
      name: "results",
      command: process.execPath,
      args: [
        ...nodeOptions,
        ...(profile ? ["--cpu-prof", `--cpu-prof-dir=${profile}`] : []),
        join(projectRoot, "services/results/src/main.ts"),
      ],
      env: {
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_GRPC: address,
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
        SIGHTLINE_MAX_SUBSCRIBERS: String(Math.max(subscribers, 1_000)),
        // A thousand of one token are within what is so unless set.
        ...(subscribers > 1_000 && { SIGHTLINE_MAX_STREAMS_PER_USER: String(subscribers) }),
        ...(secure && {
          SIGHTLINE_TLS_CERT_FILE: join(directory, "tls.crt"),
          SIGHTLINE_TLS_KEY_FILE: join(directory, "tls.key"),
          SIGHTLINE_ADMIN_PASSWORD_FILE: join(directory, "password"),
        }),
      },
      logFile: join(directory, "results.log"),
    });
    try {
      const token = await registerCamera(child, address, certificate);
      const connection = await connectNats(nats.url, "bench", createLogger("bench", "warn"));
      return new ResultsServer(
        address,
        nats,
        connection,
        child,
        directory,
        certificate === undefined ? undefined : { certificate, token: token! },
      );
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

  async analysisMs(): Promise<number[]> {
    const [published, analysed] = [
      await this.#stored(streams.detections),
      await this.#stored(streams.timeline),
    ];
    return [...analysed].map(([id, at]) => at - published.get(id)!);
  }

  /** When NATS stored each frame of a stream, in milliseconds of its clock, by the frame's id. */
  async #stored(stream: string): Promise<Map<string, number>> {
    const consumer = await this.#connection.jetstream.consumers.get(stream, { headers_only: true });
    const found = new Map<string, number>();
    const { num_pending } = await consumer.info();
    if (num_pending === 0) return found;
    for await (const message of await consumer.consume()) {
      const id = message.headers?.get("Nats-Msg-Id");
      // The timeline holds more than frames.
      if (id) found.set(id, Number(message.info.timestampNanos) / 1e6);
      if (message.info.pending === 0) break;
    }
    return found;
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

  async analysisMs(): Promise<number[]> {
    return [];
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}

const password = "bench bench bench";

/** Makes a certificate and the first admin's password in files. Returns the certificate. */
async function writeCertificate(directory: string): Promise<string> {
  const { certificate, key } = await makeSelfSigned([]);
  await writeFile(join(directory, "tls.crt"), certificate);
  await writeFile(join(directory, "tls.key"), key, { mode: 0o600 });
  await writeFile(join(directory, "password"), password, { mode: 0o600 });
  return certificate;
}

/**
 * Registers the camera once the service takes calls, and makes a token for subscribers where there are users.
 * @throws ProcessFailedError when it ends instead
 */
async function registerCamera(
  child: ManagedProcess,
  address: string,
  certificate: string | undefined,
): Promise<string | undefined> {
  const tls = certificate === undefined ? {} : { tls: { ca: certificate } };
  let client = connect(address, tls);
  const deadline = performance.now() + startLimitMs;
  try {
    for (;;) {
      if (!child.running) throw await child.failure();
      try {
        if (certificate !== undefined) {
          const { secret } = await client.access.logIn("admin", password);
          client.close();
          client = connect(address, { ...tls, token: secret });
        }
        await client.cameras.register(benchCamera, { uri: "rtsp://127.0.0.1/none" });
        if (certificate === undefined) return undefined;
        const settings = { alone: true, role: "viewer", cameras: [benchCamera] } as const;
        return (await client.access.createToken("bench", settings)).secret;
      } catch (error) {
        if (performance.now() > deadline) throw error;
        await delay(100);
      }
    }
  } finally {
    client.close();
  }
}
