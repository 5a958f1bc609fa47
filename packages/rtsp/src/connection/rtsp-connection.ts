import type { Socket } from "node:net";
import { CameraReason } from "@sightline/contracts";
import type { CameraNetworks } from "../address/camera-networks.ts";
import type { RtspTarget } from "../address/camera-url.ts";
import { connectCamera } from "../address/connect-camera.ts";
import { type CameraFaultError, faultError } from "../camera-fault.ts";
import { RtspProtocolError } from "../errors.ts";
import { type RtspMessage, RtspReader } from "./rtsp-reader.ts";
import { WorkBudget } from "./work-budget.ts";

export interface RtspResponse extends Omit<RtspMessage, "startLine"> {
  status: number;
}

interface Waiting {
  sequence: string;
  resolve(response: RtspResponse): void;
  reject(error: CameraFaultError): void;
}

/** Limit on answers that wait for a server that sends requests but does not read. */
const mostUnread = 64 * 1024;

/** A connection to an RTSP server (RFC 2326): requests, and the packets between their responses. */
export class RtspConnection {
  /** Resolves when the connection has ended: undefined when the server or `close` ended it. */
  readonly ended: Promise<CameraFaultError | undefined>;
  /** Receive the packets of interleaved channels, each for its own channels; a packet that nobody takes is dropped. */
  readonly takers = new Set<(channel: number, packet: Buffer) => void>();
  readonly #socket: Socket;
  readonly #budget = new WorkBudget();
  readonly #reader: RtspReader;
  readonly #waiting: Waiting[] = [];
  #sequence = 0;
  #fault: CameraFaultError | undefined;
  #closed = false;
  #paused = false;
  /** Nothing is read while this timer runs: a camera that sends too fast has to wait, not the other cameras. */
  #rest: NodeJS.Timeout | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = new RtspReader({
      message: (message) => this.#message(message),
      packet: (channel, packet) => {
        for (const take of this.takers) take(channel, packet);
      },
    });
    socket.on("error", () => this.#fail(faultError(CameraReason.STREAM_ENDED, "the connection broke")));
    socket.on("end", () => socket.destroy()).resume();
    this.ended = new Promise((resolve) => {
      socket.once("close", () => {
        this.#closed = true;
        clearTimeout(this.#rest);
        this.#budget.close();
        this.#rejectAll();
        resolve(this.#fault);
      });
    });
  }

  /** @throws CameraFaultError, also when `signal` aborts before the connection is open */
  static async open(
    target: RtspTarget,
    networks: CameraNetworks,
    signal: AbortSignal,
  ): Promise<RtspConnection> {
    let connection: RtspConnection | undefined;
    // An RTSP server does not speak first; a server that does is something else.
    const take = (piece: Buffer) => {
      if (connection) connection.#take(piece);
    };
    const socket = await connectCamera(target, networks, signal, take);
    connection = new RtspConnection(socket);
    return connection;
  }

  /** IP address of the server. */
  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "";
  }

  /** IP address of this end. */
  get localAddress(): string {
    return this.#socket.localAddress ?? "";
  }

  /** Sends a request and waits for its response. @throws CameraFaultError, also when `signal` aborts */
  async request(
    method: string,
    uri: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<RtspResponse> {
    const sequence = String(++this.#sequence);
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${sequence}`, "User-Agent: Sightline"];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    const response = Promise.withResolvers<RtspResponse>();
    const waiting: Waiting = { sequence, ...response };
    const late = () => {
      const detail = `it does not answer ${method} in time`;
      response.reject(faultError(CameraReason.UNREACHABLE, detail));
    };
    if (signal.aborted) late();
    else if (this.#closed) response.reject(this.#fault ?? closedInstead());
    else {
      this.#waiting.push(waiting);
      this.#socket.write(`${lines.join("\r\n")}\r\n\r\n`);
    }
    signal.addEventListener("abort", late);
    try {
      return await response.promise;
    } finally {
      signal.removeEventListener("abort", late);
      const index = this.#waiting.indexOf(waiting);
      if (index >= 0) this.#waiting.splice(index, 1);
    }
  }

  /** Sends a packet of an interleaved channel, with its header. */
  send(packet: Buffer): void {
    if (!this.#closed) this.#socket.write(packet);
  }

  /** Stops reading, so that the server has to wait. */
  pause(): void {
    this.#paused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#rest === undefined) this.#socket.resume();
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(piece: Buffer): void {
    if (this.#fault) return;
    try {
      const restMs = this.#budget.spend(piece.length, () => this.#reader.write(piece));
      if (restMs > 0) this.#takeRest(restMs);
    } catch (error) {
      if (!(error instanceof RtspProtocolError)) throw error;
      this.#fail(faultError(CameraReason.PROTOCOL_ERROR, error.message));
    }
  }

  #takeRest(milliseconds: number): void {
    this.#socket.pause();
    this.#rest ??= setTimeout(() => {
      this.#rest = undefined;
      if (!this.#paused) this.#socket.resume();
    }, milliseconds);
  }

  #message({ startLine, headers, body }: RtspMessage): void {
    const status = /^RTSP\/\d\.\d (\d{3})\b/.exec(startLine)?.[1];
    if (status === undefined) {
      this.#refuse(startLine, headers);
      return;
    }
    // Responses without CSeq are accepted, since some cameras leave it out; a different number answers a request that nobody waits for
    // any more.
    const sequence = headers.get("cseq")?.[0];
    const index = sequence === undefined ? 0 : this.#waiting.findIndex((each) => each.sequence === sequence);
    const [waiting] = index < 0 ? [] : this.#waiting.splice(index, 1);
    waiting?.resolve({ status: Number(status), headers, body });
  }

  /** A server may send requests too; none of them is useful to us. */
  #refuse(startLine: string, headers: RtspMessage["headers"]): void {
    const status = startLine.startsWith("OPTIONS ") ? "200 OK" : "501 Not Implemented";
    const sequence = headers.get("cseq")?.[0] ?? "0";
    this.#socket.write(`RTSP/1.0 ${status}\r\nCSeq: ${sequence}\r\n\r\n`);
    if (this.#socket.writableLength > mostUnread)
      this.#fail(faultError(CameraReason.PROTOCOL_ERROR, "it sends requests but does not read the answers"));
  }

  #fail(fault: CameraFaultError): void {
    this.#fault ??= fault;
    this.#rejectAll();
    this.#socket.destroy();
  }

  #rejectAll(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(this.#fault ?? closedInstead());
  }
}

function closedInstead(): CameraFaultError {
  return faultError(CameraReason.PROTOCOL_ERROR, "it closed the connection instead of answering");
}
