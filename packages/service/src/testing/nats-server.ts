import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { patiently } from "../jetstream-errors.ts";
import { createLogger } from "../log.ts";

/** Below the ports that systems give to connections and to servers that request any free port: only another caller of this function can take one. */
const lowest = 10_000;
const count = 20_000;
/**
 * Vitest's workers, which may each run many files, start this far apart. Processes that they start, and others, have PIDs close to each
 * other, and start the second number apart.
 */
const [ofWorker, ofProcess] = [2_503, 101];
const worker = process.env.VITEST_POOL_ID;
let next =
  worker === undefined
    ? (process.pid * ofProcess) % count
    : (Number(worker) * ofWorker + (process.pid % 23) * ofProcess) % count;

/**
 * A TCP port on loopback where nothing listens. No two calls return the same one, so it stays free until it is used, however late. If it is
 * never used, nothing listens there during the whole test run.
 */
export async function freePort(): Promise<number> {
  for (let tried = 0; tried < count; tried++) {
    const port = lowest + next;
    next = (next + 1) % count;
    if (await isFree(port)) return port;
  }
  throw new Error(`no free TCP port from ${lowest} to ${lowest + count - 1} on 127.0.0.1`);
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, "127.0.0.1");
    await once(probe, "listening");
    probe.close();
    await once(probe, "close");
    return true;
  } catch {
    return false;
  }
}

/** Runs what a test begins with; again while JetStream gives no answer: on a busy machine it takes seconds to create a stream. */
export function preparing<T>(prepare: () => Promise<T>): Promise<T> {
  return patiently(prepare, createLogger("test", "fatal"), AbortSignal.timeout(120_000));
}

/** A real nats-server with JetStream, on a free loopback port and with its own directory. */
export class NatsServer {
  readonly url: string;
  /** Directory of its configuration and data. */
  readonly directory: string;
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, directory: string, more: string) {
    this.url = `nats://127.0.0.1:${port}`;
    this.directory = directory;
    this.#config = join(directory, "nats.conf");
    writeFileSync(
      this.#config,
      `host: 127.0.0.1\nport: ${port}\nmax_payload: 8MB\njetstream { store_dir: "${join(directory, "jetstream")}" }\n${more}\n`,
    );
  }

  /** The process; undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** `configure` returns more lines for the configuration; files that they name may be put into the directory. */
  static async start(configure: (directory: string) => string = () => ""): Promise<NatsServer> {
    const directory = mkdtempSync(join(tmpdir(), "sightline-nats-"));
    const server = new NatsServer(await freePort(), directory, configure(directory));
    await server.up();
    return server;
  }

  /** Servers that are a cluster, each with JetStream. They accept clients, but may not have chosen a leader yet. */
  static async startCluster(count: number): Promise<NatsServer[]> {
    const ports = await Promise.all(Array.from({ length: count }, () => freePort()));
    const routes = ports.map((port) => `"nats-route://127.0.0.1:${port}"`).join(", ");
    return Promise.all(
      ports.map((port) =>
        NatsServer.start(
          () =>
            `server_name: server-${port}\ncluster { name: test, listen: "127.0.0.1:${port}", routes: [${routes}] }`,
        ),
      ),
    );
  }

  /** Starts the process (again, on the same port and data) and waits until it accepts clients. */
  async up(): Promise<void> {
    const child = spawn("nats-server", ["-c", this.#config], { stdio: ["ignore", "ignore", "pipe"] });
    this.#child = child;
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (line.includes("Server is ready")) {
        child.stderr.resume();
        return;
      }
    }
    throw new Error(`nats-server ended before it was ready:\n${lines.slice(-5).join("\n")}`);
  }

  /** Makes the process read its configuration again. */
  reload(): void {
    this.#child?.kill("SIGHUP");
  }

  /** Ends the process; its data stays. */
  async down(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  /** Ends the process and starts it without the messages of these streams; the consumers' positions stay the same. */
  async loseMessages(...streams: string[]): Promise<void> {
    await this.down();
    for (const stream of streams) rmSync(this.#messagesOf(stream), { recursive: true });
    await this.up();
  }

  /**
   * Ends the process and starts it. The returned function does this again with the messages that these streams (or all streams) have now:
   * newer ones are lost.
   */
  async keepCopy(...streams: string[]): Promise<() => Promise<void>> {
    const copied =
      streams.length > 0
        ? streams.map((stream) => this.#messagesOf(stream))
        : [join(this.directory, "jetstream")];
    await this.down();
    for (const path of copied) cpSync(path, `${path}-copy`, { recursive: true });
    await this.up();
    return async () => {
      await this.down();
      for (const path of copied) {
        rmSync(path, { recursive: true });
        renameSync(`${path}-copy`, path);
      }
      await this.up();
    };
  }

  /**
   * Kills the process, makes the newest messages that it stored of these streams unreadable, and starts it. Some versions then go on with
   * what can be read; others (2.9) append to the damaged file, and nobody can read what they append.
   */
  async damage(...streams: string[]): Promise<void> {
    await this.down("SIGKILL");
    for (const stream of streams) {
      const blocks = readdirSync(this.#messagesOf(stream)).filter((name) => name.endsWith(".blk"));
      const newest = blocks.toSorted((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10)).at(-1)!;
      const file = join(this.#messagesOf(stream), newest);
      const bytes = readFileSync(file);
      for (let i = Math.max(0, bytes.length - 60); i < bytes.length; i++) bytes[i]! ^= 0x5a;
      writeFileSync(file, bytes);
    }
    await this.up();
  }

  #messagesOf(stream: string): string {
    return join(this.directory, "jetstream", "jetstream", "$G", "streams", stream, "msgs");
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
