import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.ts", import.meta.url));

/** A real results service in its own process, which can be killed and started again at the same address. */
export class KillableResults {
  readonly address: string;
  readonly #natsUrl: string;
  #child: ChildProcess | undefined;

  constructor(natsUrl: string, address: string) {
    this.#natsUrl = natsUrl;
    this.address = address;
  }

  /** Starts the process; it accepts calls some time later. */
  start(): void {
    this.#child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      env: {
        ...process.env,
        SIGHTLINE_NATS_URL: this.#natsUrl,
        SIGHTLINE_GRPC: this.address,
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
        SIGHTLINE_LOG_LEVEL: "error",
      },
      stdio: "ignore",
    });
  }

  /** Freezes the process, or lets it continue. */
  freeze(isFrozen: boolean): void {
    this.#child?.kill(isFrozen ? "SIGSTOP" : "SIGCONT");
  }

  async kill(signal: "SIGKILL" | "SIGTERM" = "SIGKILL"): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }
}
