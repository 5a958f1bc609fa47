import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { freePort } from "@sightline/service/testing";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** The ingest service as a process that can be killed or denied memory. */
export class IngestProcess {
  readonly #address: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #log = "";

  private constructor(address: string, child: ChildProcess) {
    this.#address = address;
    this.#child = child;
    this.#exited = once(child, "exit");
  }

  /** Starts it and waits until it is ready. */
  static async start(env: NodeJS.ProcessEnv): Promise<IngestProcess> {
    const address = `127.0.0.1:${await freePort()}`;
    const child = spawn(process.execPath, [main], {
      env: { ...process.env, SIGHTLINE_INGEST_HTTP: address, ...env },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const ingest = new IngestProcess(address, child);
    await new Promise<void>((resolve) => {
      child.stderr!.on("data", (piece) => {
        ingest.#log += piece;
        if (ingest.#log.includes("ingest is ready")) resolve();
      });
      child.stderr!.once("close", resolve);
    });
    return ingest;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Its log so far. */
  get log(): string {
    return this.#log;
  }

  /** The value of a metric, by its name and labels as printed. */
  async metric(name: string): Promise<number> {
    const text = await (await fetch(`http://${this.#address}/metrics`)).text();
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1));
  }

  /** Resolves when it has ended. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#exited;
  }
}
