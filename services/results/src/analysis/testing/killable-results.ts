import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** A results service as a process of its own, to be killed. */
export class KillableResults {
  readonly child: ChildProcess;
  /** Where its metrics are. */
  readonly http: string;

  private constructor(child: ChildProcess, http: string) {
    this.child = child;
    this.http = http;
  }

  static async start(natsUrl: string, env: NodeJS.ProcessEnv = {}): Promise<KillableResults> {
    const main = fileURLToPath(new URL("../../main.ts", import.meta.url));
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      env: {
        ...process.env,
        SIGHTLINE_NATS_URL: natsUrl,
        SIGHTLINE_GRPC: "127.0.0.1:0",
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
        ...env,
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stderr! })) {
      lines.push(line);
      const http = line.includes("results is ready") && /"http":"([^"]+)"/.exec(line)?.[1];
      if (!http) continue;
      child.stderr!.resume();
      return new KillableResults(child, http);
    }
    throw new Error(`results ended before it was ready:\n${lines.slice(-5).join("\n")}`);
  }

  /** Sends a signal and, unless it is one that only freezes or thaws, waits for the end. */
  async signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    const running = this.child.exitCode === null && this.child.signalCode === null;
    if (!running) return;
    this.child.kill(signal);
    if (signal === "SIGKILL" || signal === "SIGTERM") await once(this.child, "exit");
  }

  /** The value of a metric's series, undefined when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
