import { type LogLine, ServiceProcess } from "@sightline/stack/testing";

/** The bridges in a separate process. */
export class BridgesProcess {
  /** Where metrics and health are served. */
  readonly http: string;
  readonly #process: ServiceProcess;

  private constructor(http: string, process: ServiceProcess) {
    this.http = http;
    this.#process = process;
  }

  /** Starts them for the results service at the address. `webhooks` and the other settings go into the environment. */
  static async start(
    grpcAddress: string,
    { webhooks, ...env }: { webhooks?: readonly object[] } & Record<string, unknown>,
  ): Promise<BridgesProcess> {
    const process = await ServiceProcess.start("bridges", "bridges are running", {
      SIGHTLINE_GRPC_ADDRESS: grpcAddress,
      SIGHTLINE_BRIDGES_HTTP: "127.0.0.1:0",
      ...(webhooks && { SIGHTLINE_WEBHOOKS: JSON.stringify(webhooks) }),
      ...(env as NodeJS.ProcessEnv),
    });
    const running = process.log.find(({ msg }) => msg === "bridges are running");
    return new BridgesProcess(String(running?.http), process);
  }

  get log(): readonly LogLine[] {
    return this.#process.log;
  }

  end(signal?: "SIGTERM" | "SIGKILL"): Promise<number | null> {
    return this.#process.end(signal);
  }

  /** Whether it reports that it is ready. */
  async ready(): Promise<boolean> {
    const { ok } = await fetch(`http://${this.http}/readyz`);
    return ok;
  }

  /** What it reports as missing, by bridge; empty when it is ready. */
  async missing(): Promise<Record<string, string>> {
    const answer = (await (await fetch(`http://${this.http}/readyz`)).json()) as {
      missing?: Record<string, string>;
    };
    return answer.missing ?? {};
  }

  /** The value of a metric's series; 0 when it does not exist. */
  async metric(series: string): Promise<number> {
    const text = await (await fetch(`http://${this.http}/metrics`)).text();
    const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }
}
