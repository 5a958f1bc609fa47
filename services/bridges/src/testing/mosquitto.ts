import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "@sightline/service/testing";
import type { IClientOptions, MqttClient } from "mqtt";
import mqtt from "mqtt";

/** Which clients a broker accepts. */
export interface MosquittoOptions {
  /** Whether it accepts only TLS, with a certificate for `localhost` from its own authority. */
  tls?: boolean;
  /** The only user that it accepts; by default, anybody. */
  user?: { name: string; password: string };
  /** Whether a broker that was ended by SIGTERM still has its sessions and retained messages when it is restarted. */
  keeps?: boolean;
}

/** A real mosquitto on a free loopback port; by default, it loses everything when it ends. */
export class Mosquitto {
  readonly url: string;
  /** PEM file of the authority, if it uses TLS. */
  readonly ca: string;
  readonly #directory: string;
  #child: ChildProcess | undefined;

  private constructor(
    port: number,
    directory: string,
    { tls = false, user, keeps = false }: MosquittoOptions,
  ) {
    this.url = tls ? `mqtts://localhost:${port}` : `mqtt://127.0.0.1:${port}`;
    this.#directory = directory;
    this.ca = join(directory, "ca.pem");
    const lines = [
      `listener ${port} 127.0.0.1`,
      `allow_anonymous ${user === undefined}`,
      // When started by root, it would change to a user who cannot read these files.
      "user root",
      "max_queued_messages 0",
      ...(keeps ? ["persistence true", `persistence_location ${directory}/`] : []),
    ];
    if (tls) {
      makeCertificates(directory);
      lines.push(`certfile ${join(directory, "server.pem")}`, `keyfile ${join(directory, "server.key")}`);
    }
    if (user) {
      const file = join(directory, "passwords");
      writeFileSync(file, `${user.name}:${user.password}\n`);
      execFileSync("mosquitto_passwd", ["-U", file]);
      lines.push(`password_file ${file}`);
    }
    writeFileSync(join(directory, "mosquitto.conf"), `${lines.join("\n")}\n`);
  }

  static async start(options: MosquittoOptions = {}): Promise<Mosquitto> {
    const directory = mkdtempSync(join(tmpdir(), "sightline-mosquitto-"));
    const broker = new Mosquitto(await freePort(), directory, options);
    await broker.up();
    return broker;
  }

  /** Starts the process (or restarts it on the same port) and waits until it accepts clients. */
  async up(): Promise<void> {
    const config = join(this.#directory, "mosquitto.conf");
    const child = spawn("mosquitto", ["-c", config], {
      // Debian's folder for it, which is not in every user's path.
      env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#child = child;
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr })) {
      lines.push(line);
      if (line.endsWith(" running")) return void child.stderr.resume();
    }
    throw new Error(`mosquitto ended before it was ready:\n${lines.slice(-5).join("\n")}`);
  }

  async down(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  /** Stops the process in place: it accepts connections and sends nothing. */
  freeze(): void {
    this.#child?.kill("SIGSTOP");
  }

  /** Lets a frozen process continue. */
  thaw(): void {
    this.#child?.kill("SIGCONT");
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** A client that receives everything, from a broker that may disappear and return. */
export class Listener {
  /** Everything received, in order of arrival. */
  readonly heard: { topic: string; payload: Buffer; retain: boolean }[] = [];
  readonly #client: MqttClient;

  private constructor(client: MqttClient) {
    this.#client = client;
    client.on("message", (topic, payload, { retain }) => this.heard.push({ topic, payload, retain }));
    client.on("error", () => undefined);
  }

  static async connect(url: string, options: IClientOptions = {}): Promise<Listener> {
    const client = mqtt.connect(url, {
      reconnectPeriod: 50,
      clean: false,
      clientId: `l${Math.random()}`,
      ...options,
    });
    const listener = new Listener(client);
    await new Promise<void>((resolve) => client.once("connect", () => resolve()));
    await client.subscribeAsync("#", { qos: 1 });
    return listener;
  }

  /** Makes the broker retain a payload that is not the bridge's. */
  async retain(topic: string, payload: string): Promise<void> {
    await this.#client.publishAsync(topic, payload, { qos: 1, retain: true });
  }

  /** The newest payload on a topic, as text. */
  newest(topic: string): string | undefined {
    return this.heard.findLast((message) => message.topic === topic)?.payload.toString();
  }

  /** All payloads on a topic, as JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: what comes over the wire is what is to be examined.
  json(topic: string): any[] {
    return this.heard.flatMap((message) =>
      message.topic === topic ? [JSON.parse(message.payload.toString())] : [],
    );
  }

  async stop(): Promise<void> {
    await this.#client.endAsync(true);
  }
}

/**
 * Creates an authority (`ca.pem`) and a certificate for `localhost` signed by it (`server.pem`, `server.key`) in a
 * directory.
 */
export function makeCertificates(directory: string): void {
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  const server = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const by = ["-CA", "ca.pem", "-CAkey", "ca.key"];
  openssl("req", "-x509", ...key, "-keyout", "server.key", "-out", "server.pem", ...server, ...by);
}
