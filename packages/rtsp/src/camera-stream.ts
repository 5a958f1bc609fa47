import type { RtspTarget } from "./address/rtsp-url.ts";
import { CameraFaultError } from "./camera-fault.ts";
import { inputScript } from "./relay/ffmpeg-input.ts";
import { relayDescription } from "./relay/relay-description.ts";
import { RtspRelay } from "./relay/rtsp-relay.ts";
import { CameraSession, type SessionOptions } from "./session/camera-session.ts";
import type { CameraOffer } from "./session/probe.ts";

/** A packet that came while so much waits for a slow reader is lost, where the camera cannot be made to wait (UDP). */
const mostBacklog = 4 * 1024 * 1024;

/**
 * One video track of a camera, received by our own RTSP connection and passed on to an ffmpeg of this machine over loopback.
 * ffmpeg never sees the camera's address, password or redirects. A reader that is slow makes a TCP camera wait.
 */
export class CameraStream {
  /** What ffmpeg reads from stdin to receive the stream (see `inputArguments`). */
  readonly script: string;
  readonly transport: "tcp" | "udp";
  readonly offer: CameraOffer;
  /** Takes each RTP (channel 0) and RTCP (channel 1) packet, with the 4 bytes of header of interleaved packets. */
  onPacket: ((packet: Buffer) => void) | undefined;
  readonly #session: CameraSession;
  readonly #relay: RtspRelay;
  #fault: CameraFaultError | undefined;
  #dropped = 0;
  #cameraEnded = false;
  #stopping = false;

  private constructor(session: CameraSession, relay: RtspRelay) {
    this.script = inputScript(relay.url);
    this.transport = session.transport;
    this.offer = { video: session.track, videoTracks: session.videoTracks };
    this.#session = session;
    this.#relay = relay;
    session.onPacket = (packet) => this.#packet(packet);
    void session.ended.then((fault) => {
      this.#fault ??= fault;
      this.#cameraEnded = !this.#stopping;
      relay.finish();
    });
    void relay.ended.then(() => this.stop());
  }

  /** Connects and sets up; the stream begins when ffmpeg plays it. @throws CameraFaultError, also when `signal` aborts */
  static async open(target: RtspTarget, options: SessionOptions, signal: AbortSignal): Promise<CameraStream> {
    const session = await CameraSession.open(target, options, signal);
    let stream: CameraStream | undefined;
    const relay = await RtspRelay.listen({
      description: relayDescription(session.track),
      play: () =>
        session.play().catch((error: unknown) => {
          if (stream && error instanceof CameraFaultError) stream.#fault ??= error;
          throw error;
        }),
      report: (packet) => session.send(packet),
      drained: () => session.resume(),
    });
    stream = new CameraStream(session, relay);
    return stream;
  }

  /** Why the camera's side ended, when it was not by the camera's own closing or by `stop`. */
  get fault(): CameraFaultError | undefined {
    return this.#fault;
  }

  /** Whether the camera's side ended, not `stop` or ffmpeg. */
  get cameraEnded(): boolean {
    return this.#cameraEnded;
  }

  /** Packets lost because the reader was too slow. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Ends the session at the camera and what ffmpeg reads. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#relay.close();
    await this.#session.stop();
  }

  #packet(packet: Buffer): void {
    this.onPacket?.(packet);
    if (this.transport === "udp" && this.#relay.backlog > mostBacklog) {
      this.#dropped += 1;
      return;
    }
    if (!this.#relay.push(packet)) this.#session.pause();
  }
}
