import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort, NatsServer } from "@sightline/service/testing";
import { projectRoot } from "@sightline/stack";

/** How a command ended. */
export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

const main = join(projectRoot, "packages/cli/src/main.ts");

/** Starts `sightline ARGS` as a user's shell would. */
export function spawnCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  return spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
}

/** Runs `sightline ARGS` to its end. */
export async function runCommand(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  const child = spawnCommand(args, env);
  let stdout = "";
  let stderr = "";
  child.stdout?.on("data", (data) => (stdout += data));
  child.stderr?.on("data", (data) => (stderr += data));
  const [code] = await once(child, "close");
  return { code, stdout, stderr };
}

/** A real results service in a process of its own, on a NATS server of its own. */
export class ResultsProcess {
  readonly address: string;
  readonly nats: NatsServer;
  readonly #child: ChildProcess;

  private constructor(address: string, nats: NatsServer, child: ChildProcess) {
    this.address = address;
    this.nats = nats;
    this.#child = child;
  }

  static async start(): Promise<ResultsProcess> {
    const nats = await NatsServer.start();
    const address = `127.0.0.1:${await freePort()}`;
    const service = join(projectRoot, "services/results/src/main.ts");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", service], {
      env: {
        ...process.env,
        SIGHTLINE_NATS_URL: nats.url,
        SIGHTLINE_GRPC: address,
        SIGHTLINE_RESULTS_HTTP: "127.0.0.1:0",
      },
      stdio: ["ignore", "ignore", "pipe"],
    });
    for await (const line of createInterface({ input: child.stderr }))
      if (JSON.parse(line).msg === "results is ready") {
        child.stderr.resume();
        return new ResultsProcess(address, nats, child);
      }
    throw new Error("the results service ended before it was ready");
  }

  async stop(): Promise<void> {
    this.#child.kill("SIGTERM");
    await once(this.#child, "exit");
    await this.nats.stop();
  }
}
