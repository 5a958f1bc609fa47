import { ServiceProcess } from "@sightline/stack/testing";

/** The analysis apart, or results, which has it within unless a setting says otherwise. */
export type AnalysingService = "analysis" | "results";

/** A service that analyses as a process of its own, to be killed. */
export class KillableProcess {
  readonly #process: ServiceProcess;
  /** Where its metrics are. */
  readonly http: string;

  private constructor(process: ServiceProcess, http: string) {
    this.#process = process;
    this.http = http;
  }

  static async start(
    service: AnalysingService,
    natsUrl: string,
    env: NodeJS.ProcessEnv = {},
  ): Promise<KillableProcess> {
    const readyMessage = `${service} is ready`;
    const process = await ServiceProcess.start(service, readyMessage, {
      SIGHTLINE_NATS_URL: natsUrl,
      SIGHTLINE_GRPC: "127.0.0.1:0",
      SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      SIGHTLINE_ANALYSIS_HTTP: "127.0.0.1:0",
      ...env,
    });
    const ready = process.log.find(({ msg }) => msg === readyMessage);
    return new KillableProcess(process, String(ready?.http));
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
