import { CameraReason } from "@sightline/contracts";
import type { CameraAccess } from "../address/camera-networks.ts";
import type { RtspTarget } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import type { RtspResponse } from "../connection/rtsp-connection.ts";
import { RtspError } from "../errors.ts";
import { type AacTrack, aacTrack, offeredSound } from "../frames/aac-depacketizer.ts";
import { type DescribedCamera, describeCamera, expectSuccess, safeUri } from "./describe-camera.ts";
import { InterleavedTransport, type RtpTransport, UdpTransport } from "./rtp-transport.ts";
import { type CameraOffer, chooseTrack, type SdpTrack } from "./sdp.ts";

/** How video travels; `auto` is TCP, or UDP for a camera that refuses TCP. */
export type TransportChoice = "auto" | "tcp" | "udp";

export interface CameraSessionOptions {
  transport: TransportChoice;
  /** Video track to receive, from 1; 0 takes the first. */
  videoTrack: number;
  access: CameraAccess;
  /** Whether to receive the first sound track too, if possible. */
  sound?: boolean;
  /** For connecting and each request, together. */
  timeoutMs: number;
}

/** How long a session lives without a request, in seconds, if the camera does not say (RFC 2326, 12.37). */
const usualTimeout = 60;
/** Upper limit for the session timeout: a timer cannot count further than 24 days. */
const longestTimeout = 3600;
const teardownMs = 300;
/** How long to wait for the camera's answer to the request for sound. */
const soundMs = 2_000;

/** The sound of a session, or why there is none although it was requested. */
export type SessionSound = { track: AacTrack; transport: RtpTransport } | { fault: string };

/** One video track of a camera, and one sound track if requested; set up, kept alive and ready to play. */
export class CameraSession {
  readonly track: SdpTrack;
  /** Video tracks that the camera offers. */
  readonly videoTracks: number;
  /** The sound that the camera offers. */
  readonly offeredSound: CameraOffer["sound"];
  /** Resolves when the connection has ended: undefined when the camera or `stop` ended it. */
  readonly ended: Promise<CameraFaultError | undefined>;
  readonly #camera: DescribedCamera;
  readonly #transport: RtpTransport;
  readonly #sound: SessionSound | undefined;
  readonly #session: { id: string; timeout: number };
  readonly #timeoutMs: number;
  readonly #keepAlive: NodeJS.Timeout;
  #stopped = false;

  private constructor(
    camera: DescribedCamera,
    track: SdpTrack,
    transport: RtpTransport,
    sound: SessionSound | undefined,
    session: { id: string; timeout: number },
    timeoutMs: number,
  ) {
    this.#camera = camera;
    this.track = track;
    this.videoTracks = camera.description.tracks.length;
    this.offeredSound = offeredSound(camera.description.sounds);
    this.#transport = transport;
    this.#sound = sound;
    this.#session = session;
    this.#timeoutMs = timeoutMs;
    this.#keepAlive = this.#keptAlive();
    this.ended = camera.connection.ended.finally(() => this.#release());
  }

  /** Connects, describes and sets up. @throws CameraFaultError, also when `signal` aborts */
  static async open(
    target: RtspTarget,
    options: CameraSessionOptions,
    signal: AbortSignal,
  ): Promise<CameraSession> {
    const timely = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(options.timeoutMs))]);
    const opened = await CameraSession.#open(target, options, options.sound === true, timely);
    if (opened instanceof CameraSession) return opened;
    const again = await CameraSession.#open(target, options, opened, timely);
    if (again instanceof CameraSession) return again;
    throw faultError(CameraReason.INTERNAL);
  }

  /** `sound`: whether to request it, or why not. If sound makes a new connection without sound necessary, returns the reason. */
  static async #open(
    target: RtspTarget,
    options: CameraSessionOptions,
    sound: boolean | { fault: string },
    signal: AbortSignal,
  ): Promise<CameraSession | { fault: string }> {
    const camera = await describeCamera(target, options.access, signal);
    try {
      const track = chooseTrack(camera.description, options.videoTrack);
      const { transport, session } = await setUp(camera, track, options.transport, signal);
      let found: SessionSound | undefined;
      try {
        if (sound !== false)
          found = typeof sound === "object" ? sound : await setUpSound(camera, transport, session.id, signal);
      } catch (error) {
        transport.close();
        if (signal.aborted || !(error instanceof RtspError && error.code === "sound_harms")) throw error;
        camera.connection.close();
        return { fault: error.message };
      }
      return new CameraSession(camera, track, transport, found, session, options.timeoutMs);
    } catch (error) {
      camera.connection.close();
      throw error;
    }
  }

  get transport(): "tcp" | "udp" {
    return this.#transport.kind;
  }

  /** Packets that were ignored because the camera sends more by UDP than it may. */
  get dropped(): number {
    const sound = this.#sound && "transport" in this.#sound ? this.#sound.transport.dropped : 0;
    return this.#transport.dropped + sound;
  }

  /** The sound, or why there is none; undefined when none was requested. */
  get sound(): { track: AacTrack } | { fault: string } | undefined {
    return this.#sound;
  }

  /** Like `onPacket`, for the sound. */
  set onSoundPacket(take: ((packet: Buffer) => void) | undefined) {
    if (this.#sound && "transport" in this.#sound) this.#sound.transport.onPacket = take;
  }

  /** Receives RTP (channel 0) and RTCP (channel 1) of the track, including the 4-byte header of interleaved packets. */
  set onPacket(take: ((packet: Buffer) => void) | undefined) {
    this.#transport.onPacket = take;
  }

  /** Starts the stream. @throws CameraFaultError */
  async play(): Promise<void> {
    const signal = AbortSignal.timeout(Math.ceil(this.#timeoutMs));
    expectSuccess("PLAY", await this.#request("PLAY", { Range: "npt=0.000-" }, signal));
  }

  /** Sends an RTCP packet, including its header, to the camera. */
  send(packet: Buffer): void {
    if (!this.#stopped) this.#transport.send(packet);
  }

  /** Makes a camera that sends by TCP wait. */
  pause(): void {
    if (this.transport === "tcp") this.#camera.connection.pause();
  }

  resume(): void {
    this.#camera.connection.resume();
  }

  /** Ends the session at the camera and closes the connection. */
  async stop(): Promise<void> {
    if (!this.#stopped) {
      this.#release();
      this.resume();
      await this.#request("TEARDOWN", {}, AbortSignal.timeout(teardownMs)).catch(() => undefined);
      this.#camera.connection.close();
    }
    await this.ended;
  }

  /** Runs from the start: a session may wait a long time between its setup and its play request. */
  #keptAlive(): NodeJS.Timeout {
    const method = this.#camera.methods.includes("GET_PARAMETER") ? "GET_PARAMETER" : "OPTIONS";
    const periodMs = Math.max(1, this.#session.timeout / 2) * 1000;
    // A camera that gives no answer or an error may still send; its packets decide whether it is alive.
    return setInterval(
      () => void this.#request(method, {}, AbortSignal.timeout(periodMs)).catch(() => undefined),
      periodMs,
    );
  }

  #release(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    clearInterval(this.#keepAlive);
    this.#transport.close();
    if (this.#sound && "transport" in this.#sound) this.#sound.transport.close();
  }

  #request(method: string, headers: Record<string, string>, signal: AbortSignal): Promise<RtspResponse> {
    const { authenticator, base, description } = this.#camera;
    const uri = resolve(base, description.control);
    const { id } = this.#session;
    return authenticator.request(method, uri, { ...(id !== "" && { Session: id }), ...headers }, signal);
  }
}

async function setUp(camera: DescribedCamera, track: SdpTrack, choice: TransportChoice, signal: AbortSignal) {
  const { connection, authenticator, base } = camera;
  const uri = resolve(base, track.control);
  const ask = async (transport: RtpTransport) => {
    try {
      const response = await authenticator.request("SETUP", uri, { Transport: transport.offer }, signal);
      expectSuccess("SETUP", response);
      transport.accept(response.headers.get("transport")?.[0] ?? "");
      return { transport, session: readSession(response) };
    } catch (error) {
      transport.close();
      throw error;
    }
  };
  const refused = (error: CameraFaultError, detail: string) =>
    error.reason === CameraReason.TRANSPORT_REFUSED ? faultError(error.reason, detail) : error;
  if (choice !== "udp")
    try {
      return await ask(new InterleavedTransport(connection));
    } catch (error) {
      const fault = refused(error as CameraFaultError, "it refuses TCP");
      if (choice === "tcp" || fault.reason !== CameraReason.TRANSPORT_REFUSED) throw fault;
    }
  try {
    return await ask(await UdpTransport.bind(connection));
  } catch (error) {
    throw refused(
      error as CameraFaultError,
      choice === "udp" ? "it refuses UDP" : "it refuses both TCP and UDP",
    );
  }
}

/** Requests the first sound track in a session with video. A refusal does not make the video fail. @throws RtspError sound_harms */
async function setUpSound(
  { connection, authenticator, base, description }: DescribedCamera,
  video: RtpTransport,
  sessionId: string,
  signal: AbortSignal,
): Promise<SessionSound> {
  const [offered] = description.sounds;
  if (!offered)
    return { fault: "the camera's stream has no sound; turn it on at the camera, or record without it" };
  const track = aacTrack(offered);
  if ("fault" in track) return track;
  const channels = video instanceof InterleavedTransport ? video.channels : undefined;
  const transport = channels
    ? new InterleavedTransport(connection, 2 * Math.floor(Math.max(...channels) / 2) + 2)
    : await UdpTransport.bind(connection);
  try {
    const headers = { Transport: transport.offer, ...(sessionId !== "" && { Session: sessionId }) };
    const timely = AbortSignal.any([signal, AbortSignal.timeout(soundMs)]);
    const uri = resolve(base, offered.control);
    const { status, headers: answer } = await authenticator.request("SETUP", uri, headers, timely);
    if (status < 200 || status >= 300) {
      transport.close();
      return { fault: `the camera refuses to send its sound (status ${status} to SETUP)` };
    }
    transport.accept(answer.get("transport")?.[0] ?? "");
    if (
      transport instanceof InterleavedTransport &&
      transport.channels.some((each) => channels?.includes(each))
    )
      throw new RtspError(
        "sound_harms",
        "the camera mixes its sound into the video; the video is received without sound",
      );
    return { track, transport };
  } catch (error) {
    transport.close();
    if (!(error instanceof CameraFaultError)) throw error;
    throw new RtspError(
      "sound_harms",
      "the camera does not answer when it is asked for its sound; the video is received without sound",
      { cause: error },
    );
  }
}

/** `Session: id;timeout=60`. */
function readSession({ headers }: RtspResponse): { id: string; timeout: number } {
  const [, id = "", timeout] =
    /^([!-:<-~]*)(?:.*timeout\s*=\s*(\d+))?/i.exec(headers.get("session")?.[0] ?? "") ?? [];
  return { id, timeout: Math.min(longestTimeout, Number(timeout ?? 0) || usualTimeout) };
}

/** The address that a `control` attribute names. Cameras expect it appended to the base as it is, not resolved by RFC 3986. */
function resolve(base: string, control: string | undefined): string {
  if (control === undefined || control === "*" || control === "") return base;
  const absolute = safeUri(control);
  if (absolute !== undefined) return absolute;
  const plain = control.replace(/[^!-~]/g, "");
  return base.endsWith("/") || plain.startsWith("/") ? base + plain : `${base}/${plain}`;
}
