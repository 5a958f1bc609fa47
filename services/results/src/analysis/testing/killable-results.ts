import { ServiceProcess } from "@sightline/stack/testing";

const readyMessage = "results is ready";

/** A results service as a process of its own, to be killed. */
export class KillableResults {
  readonly #process: ServiceProcess;
  /** Where its metrics are. */
  readonly http: string;

  private constructor(process: ServiceProcess, http: string) {
    this.#process = process;
    this.http = http;
  }

  static async start(natsUrl: string, env: NodeJS.ProcessEnv = {}): Promise<KillableResults> {
    const process = await ServiceProcess.start("results", readyMessage, {
      SIGHTLINE_NATS_URL: natsUrl,
      SIGHTLINE_GRPC: "127.0.0.1:0",
      SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      ...env,
    });
    const ready = process.log.find(({ msg }) => msg === readyMessage);
    return new KillableResults(process, String(ready?.http));
  }

  /** Sends a signal and, unless it is one that only freezes or thaws, waits for the end. */
  async signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    if (signal === "SIGSTOP" || signal === "SIGCONT") this.#process.signal(signal);
    else await this.#process.end(signal);
  }

  /** The value of a metric's series, undefined when there is none. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
