import { ServiceProcess } from "@sightline/stack/testing";

/** The separate analysis service, or results, which includes the analysis by default. */
export type AnalysingService = "analysis" | "results";

/** An analysing service as a separate process that can be killed. */
export class KillableProcess {
  readonly #process: ServiceProcess;
  /** The address of its metrics. */
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

  /** Sends a signal and waits for the end, unless the signal only freezes or thaws the process. */
  async signal(signal: "SIGKILL" | "SIGTERM" | "SIGSTOP" | "SIGCONT"): Promise<void> {
    if (signal === "SIGSTOP" || signal === "SIGCONT") this.#process.signal(signal);
    else await this.#process.end(signal);
  }

  /** The value of a metric's series; undefined when it does not exist. */
  async metric(series: string): Promise<number | undefined> {
    const text = await (await fetch(`http://${this.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
