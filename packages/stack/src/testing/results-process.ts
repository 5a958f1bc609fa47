import { freePort, NatsServer } from "@sightline/service/testing";
import { ServiceProcess } from "./service-process.ts";

/** A real results service in its own process, on its own NATS server. */
export class ResultsProcess {
  /** Address of the gRPC API. */
  readonly address: string;
  /** URL of metrics, health and the HTTP API. */
  readonly http: string;
  readonly nats: NatsServer;
  readonly #env: NodeJS.ProcessEnv;
  #process: ServiceProcess | undefined;

  private constructor(address: string, http: string, nats: NatsServer, env: NodeJS.ProcessEnv) {
    this.address = address;
    this.http = http;
    this.nats = nats;
    this.#env = env;
  }

  /** `env` holds more settings. */
  static async start(env: NodeJS.ProcessEnv = {}): Promise<ResultsProcess> {
    const nats = await NatsServer.start();
    const local = async () => `127.0.0.1:${await freePort()}`;
    const results = new ResultsProcess(await local(), await local(), nats, env);
    await results.up();
    return results;
  }

  /** Starts the process (again, at the same address) and waits until it is ready. */
  async up(): Promise<void> {
    this.#process = await ServiceProcess.start("results", "results is ready", {
      SIGHTLINE_NATS_URL: this.nats.url,
      SIGHTLINE_GRPC: this.address,
      SIGHTLINE_RESULTS_HTTP: this.http,
      ...this.#env,
    });
  }

  /** Ends the process; NATS keeps running. */
  async down(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#process?.end(signal);
    this.#process = undefined;
  }

  async stop(): Promise<void> {
    await this.down();
    await this.nats.stop();
  }
}
