import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.ts";

/** A real nats-server with JetStream on a free loopback port and a directory of its own. */
export class NatsServer {
  readonly url: string;
  /** Where its configuration and data are. */
  readonly directory: string;
  readonly #config: string;
  #child: ChildProcess | undefined;

  private constructor(port: number, directory: string) {
    this.url = `nats://127.0.0.1:${port}`;
    this.directory = directory;
    this.#config = join(directory, "nats.conf");
    writeFileSync(
      this.#config,
      `host: 127.0.0.1\nport: ${port}\nmax_payload: 8MB\njetstream { store_dir: "${join(directory, "jetstream")}" }\n`,
    );
  }

  static async start(): Promise<NatsServer> {
    const server = new NatsServer(await freePort(), mkdtempSync(join(tmpdir(), "sightline-nats-")));
    await server.up();
    return server;
  }

  /** Starts the process (again, on the same port and data) and waits until it takes clients. */
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

  /** Ends the process without removing its data. */
  async down(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async stop(): Promise<void> {
    await this.down();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
