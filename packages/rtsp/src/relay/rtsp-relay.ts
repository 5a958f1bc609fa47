import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import type { Writable } from "node:stream";
import { CameraFaultError } from "../camera-fault.ts";
import type { CameraWay, WaySource } from "../camera-way.ts";
import { type RtspMessage, RtspReader } from "../connection/rtsp-reader.ts";
import { RtspProtocolError } from "../errors.ts";
import { reportArguments } from "../ffmpeg-program.ts";
import { rtcpChannel } from "../session/rtp-transport.ts";
import type { SdpTrack } from "../session/sdp.ts";

export interface RelaySource extends WaySource {
  /** Description of the track. */
  description: string;
  /** Takes an RTCP packet from the reader, including its header. */
  report(packet: Buffer): void;
}

/** Unknown connections that are tolerated before the reader connects. */
const mostStrangers = 16;
const mostEarlyBytes = 8 * 1024 * 1024;

/**
 * An RTSP server on loopback for one reader, an ffmpeg on this machine. Its address contains a secret; the first connection that knows
 * the secret becomes the only one, and from then on nothing listens. The reader sees one track and nothing of the camera.
 */
export class RtspRelay implements CameraWay {
  readonly inputArguments = inputArguments;
  readonly url: string;
  readonly ended: Promise<void>;
  readonly #end = Promise.withResolvers<void>();
  readonly #server: Server;
  readonly #source: RelaySource;
  readonly #knocking = new Set<Socket>();
  #reader: Socket | undefined;
  /** Packets that came before the reader was told that it plays. */
  #early: Buffer[] | undefined = [];
  #earlyBytes = 0;
  #corked = false;

  private constructor(server: Server, source: RelaySource) {
    this.#server = server;
    this.#source = source;
    this.ended = this.#end.promise;
    const { port } = server.address() as AddressInfo;
    this.url = `rtsp://127.0.0.1:${port}/${randomBytes(16).toString("hex")}`;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async listen(source: RelaySource): Promise<RtspRelay> {
    const server = createServer({ noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new RtspRelay(server, source);
  }

  feed(stdin: Writable): void {
    stdin.on("error", () => undefined).end(inputScript(this.url));
  }

  get backlog(): number {
    return this.#earlyBytes + (this.#reader?.writableLength ?? 0);
  }

  push(packet: Buffer): boolean {
    if (this.#early) {
      this.#early.push(packet);
      this.#earlyBytes += packet.length;
      return this.#earlyBytes < mostEarlyBytes;
    }
    const reader = this.#reader;
    if (!reader || reader.destroyed) return true;
    // Packets that come together are sent in one write.
    if (!this.#corked) {
      this.#corked = true;
      reader.cork();
      process.nextTick(() => {
        this.#corked = false;
        reader.uncork();
      });
    }
    return reader.write(packet);
  }

  finish(): void {
    this.#reader?.end();
    if (!this.#reader || this.#early) this.close();
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#knocking) socket.destroy();
    this.#reader?.destroy();
    this.#end.resolve();
  }

  #serve(socket: Socket): void {
    if (this.#reader || this.#knocking.size >= mostStrangers) return void socket.destroy();
    this.#knocking.add(socket);
    const reader = new RtspReader({
      message: (message) => this.#message(socket, message),
      packet: (channel, packet) => {
        if (channel === rtcpChannel && socket === this.#reader) this.#source.report(packet);
      },
    });
    socket
      .on("error", () => undefined)
      .on("drain", () => this.#source.drained())
      .once("close", () => {
        this.#knocking.delete(socket);
        if (socket === this.#reader) this.close();
      })
      .on("data", (chunk: Buffer) => {
        try {
          reader.write(chunk);
        } catch (error) {
          if (!(error instanceof RtspProtocolError)) throw error;
          socket.destroy();
        }
      });
  }

  #message(socket: Socket, { startLine, headers }: RtspMessage): void {
    const [method = "", uri = ""] = startLine.split(" ");
    if (uri !== this.url && uri !== `${this.url}/` && uri !== `${this.url}/${relayTrack}`)
      return void socket.destroy();
    this.#take(socket);
    const answer = (lines: readonly string[] = [], body = "", status = "200 OK") => {
      const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
      const head = [`RTSP/1.0 ${status}`, `CSeq: ${headers.get("cseq")?.[0] ?? 0}`, ...lines, ...length];
      socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
    };
    const session = "Session: 1;timeout=3600";
    switch (method) {
      case "OPTIONS":
        answer(["Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN"]);
        break;
      case "DESCRIBE":
        answer(["Content-Type: application/sdp", `Content-Base: ${this.url}/`], this.#source.description);
        break;
      case "SETUP":
        answer(["Transport: RTP/AVP/TCP;unicast;interleaved=0-1", session]);
        break;
      case "PLAY":
        void this.#play(() => answer([session]));
        break;
      case "TEARDOWN":
        socket.end();
        break;
      default:
        answer([session], "", "501 Not Implemented");
    }
  }

  /** The connection that knows the address is the reader; all others are closed. */
  #take(socket: Socket): void {
    if (this.#reader) return;
    this.#reader = socket;
    this.#server.close();
    for (const other of this.#knocking) if (other !== socket) other.destroy();
  }

  async #play(answer: () => void): Promise<void> {
    try {
      await this.#source.play();
    } catch (error) {
      if (!(error instanceof CameraFaultError)) throw error;
      return this.close();
    }
    answer();
    const early = this.#early ?? [];
    this.#early = undefined;
    this.#earlyBytes = 0;
    for (const packet of early) this.push(packet);
    if (!this.#reader?.writableNeedDrain) this.#source.drained();
  }
}

/** More than any parameter sets. */
const mostAttributeBytes = 32 * 1024;

/** Name of the one track in its description. */
const relayTrack = "video";

/**
 * A description of one track for ffmpeg: its payload, and nothing else of what the camera said. Addresses, other tracks and unknown
 * attributes are left out, and so are characters that have no meaning in any attribute.
 */
export function relayDescription({ payloadType, attributes }: SdpTrack): string {
  let room = mostAttributeBytes;
  const kept = attributes.filter((line) => {
    room -= line.length;
    return room >= 0 && /^[ -~]+$/.test(line);
  });
  const head = ["v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=relay", "c=IN IP4 0.0.0.0", "t=0 0"];
  const media = [`m=video 0 RTP/AVP ${payloadType}`, ...kept, `a=control:${relayTrack}`];
  return [...head, ...media, ""].join("\r\n");
}

/** What ffmpeg may open: the script on stdin, and the relay on loopback. */
const protocols = "pipe,rtsp,tcp";

/**
 * Arguments, up to and with the input, that make ffmpeg read the script of `inputScript` from stdin and report on stderr what arrives
 * (see ffmpeg-program.ts). They contain no address, since any user of the machine can read a process's arguments and the relay's address
 * is secret.
 *
 * `-dump` reports a packet when it has arrived, before it is decoded; a `-c copy` output would be written only afterwards.
 */
export const inputArguments: readonly string[] = [
  ...reportArguments,
  "-dump",
  ...["-probesize", "32", "-analyzeduration", "0"],
  ...["-f", "concat", "-safe", "0", "-protocol_whitelist", protocols, "-i", "pipe:0"],
];

/** Script for ffmpeg's concat demuxer that opens the relay at `url`. It is passed through stdin, which is private. */
export function inputScript(url: string): string {
  return [
    "ffconcat version 1.0",
    `file '${url}'`,
    "option rtsp_transport tcp",
    "option allowed_media_types video",
    "option probesize 32",
    "option analyzeduration 0",
    "",
  ].join("\n");
}
