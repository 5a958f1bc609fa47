import { join } from "node:path";
import { createInterface } from "node:readline";
import { ManagedProcess } from "./managed-process.ts";
import { projectRoot } from "./stack-layout.ts";

export interface RtspCameraOptions {
  count: number;
  logFile: string;
  /** Credentials that the server requires. */
  user?: string;
  password?: string;
  /** Playback speed of the clip, as a factor. */
  speed?: number;
  /** An MP4 with H.264 to play instead of the bundled clip. */
  clip?: string;
  /** Also plays the clip's AAC sound. */
  sound?: boolean;
}

/** A fault that the server applies to its streams, to test how the system reacts. */
export type SimulatedFault = "die" | "revive" | "garbage" | "stall" | "resume";

const bundledClip = join(projectRoot, "test/fixtures/pedestrians.mp4");

/** A real RTSP server that plays the bundled clip, or another, in a loop as `camera-1` … `camera-N`. */
export class RtspCameras {
  readonly names: readonly string[];
  readonly #port: number;
  readonly #process: ManagedProcess;
  /** The server's answers, one line each. */
  readonly #answers: AsyncIterator<string>;

  private constructor(process: ManagedProcess, answers: AsyncIterator<string>, port: number, count: number) {
    this.#process = process;
    this.#answers = answers;
    this.#port = port;
    this.names = Array.from({ length: count }, (_, i) => `camera-${i + 1}`);
  }

  /** @throws ProcessFailedError when the server ends before it is ready */
  static async start(options: RtspCameraOptions): Promise<RtspCameras> {
    const { count, logFile, user, password, speed = 1, clip = bundledClip, sound = false } = options;
    const server = await ManagedProcess.start({
      name: "rtsp-camera",
      command: "/usr/bin/python3",
      args: [
        join(projectRoot, "test/fixtures/rtsp-camera.py"),
        "--port",
        "0",
        "--clip",
        clip,
        "--cameras",
        String(count),
        "--fps-scale",
        String(speed),
        ...(sound ? ["--sound"] : []),
        ...(user && password ? ["--user", user, "--password", password] : []),
      ],
      logFile,
      pipes: true,
    });
    const answers = createInterface({ input: server.child.stdout! })[Symbol.asyncIterator]();
    const serving = await answers.next();
    if (serving.done) {
      await server.exited;
      throw await server.failure();
    }
    const { port } = JSON.parse(serving.value) as { port: number };
    return new RtspCameras(server, answers, port, count);
  }

  url(name: string): string {
    return `rtsp://127.0.0.1:${this.#port}/${name}`;
  }

  /** Host and port of the server. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Returns when the server has done it. @throws ProcessFailedError when the server ends first */
  async fault(fault: SimulatedFault): Promise<void> {
    this.#process.child.stdin?.write(`${fault}\n`);
    const answer = await this.#answers.next();
    if (!answer.done) return;
    await this.#process.exited;
    throw await this.#process.failure();
  }

  async stop(): Promise<void> {
    await this.#process.stop();
  }
}
