import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type SightlineClient } from "@sightline/client";
import { RtspCameras, Stack } from "@sightline/stack";
import { type Browser, chromium } from "playwright-core";
import { stackPorts } from "../system/system.ts";

export interface RunningConsoleOptions {
  /** How many RTSP cameras there are. */
  cameras: number;
  /** How many times as fast as recorded they play the clip. */
  speed?: number;
  /** An MP4 with H.264 that they play instead of the bundled clip. */
  clip?: string;
}

/** NATS, the services with the web console, and RTSP cameras that nobody has registered yet; for programs. */
export class RunningConsole {
  readonly origin: string;
  readonly client: SightlineClient;
  readonly cameras: RtspCameras;
  readonly #stack: Stack;
  readonly #directory: string;

  private constructor(stack: Stack, cameras: RtspCameras, directory: string) {
    this.origin = `http://127.0.0.1:${stack.ports.results}`;
    this.client = connect(`127.0.0.1:${stack.ports.grpc}`);
    this.cameras = cameras;
    this.#stack = stack;
    this.#directory = directory;
  }

  static async start({ cameras: count, speed = 1, clip }: RunningConsoleOptions): Promise<RunningConsole> {
    const directory = mkdtempSync(join(tmpdir(), "sightline-console-"));
    let stack: Stack | undefined;
    try {
      stack = await Stack.start({ directory, ports: await stackPorts() }, AbortSignal.timeout(120_000));
      const cameras = await RtspCameras.start({
        ...{ count, speed, logFile: join(directory, "rtsp-camera.log") },
        ...(clip !== undefined && { clip }),
      });
      return new RunningConsole(stack, cameras, directory);
    } catch (error) {
      await stack?.stop();
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.cameras.stop();
    await this.#stack.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Starts the system's Chromium without a window; `CHROMIUM_PATH` names another one. */
export function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env.CHROMIUM_PATH || "/usr/bin/chromium",
    // The tests may run as root, and where /dev/shm is small.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
}
