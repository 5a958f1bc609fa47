import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { RtspTarget } from "./rtsp-url.ts";

/** An answer that is not RTSP, or breaks its bounds. */
export class RtspProtocolError extends Error {
  override readonly name = "RtspProtocolError";
}

/** The server did not answer in time. */
export class RtspTimeoutError extends Error {
  override readonly name = "RtspTimeoutError";
}

export interface RtspResponse {
  status: number;
  /** Values by lower-case name, in order. */
  headers: ReadonlyMap<string, readonly string[]>;
  body: string;
}

const mostBytes = 256 * 1024;
const headEnd = "\r\n\r\n";

/** A connection to an RTSP server (RFC 2326) for requests one after another. */
export class RtspConnection {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  #received = "";
  #sequence = 0;

  private constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
  }

  /**
   * Connects. A camera's certificate is not checked: nearly all are self-signed, and the RTSP client that will receive the
   * video (ffmpeg) does not check it either.
   * @throws the socket's error, with its code; RtspTimeoutError when `signal` aborts first
   */
  static async open(target: RtspTarget, signal: AbortSignal): Promise<RtspConnection> {
    const { host, port, tls } = target;
    const socket = tls ? connectTls({ host, port, rejectUnauthorized: false }) : connectTcp({ host, port });
    socket.setEncoding("latin1");
    try {
      await once(socket, tls ? "secureConnect" : "connect", { signal });
    } catch (error) {
      socket.on("error", () => undefined).destroy();
      throw signal.aborted ? new RtspTimeoutError("the connection was not made in time") : error;
    }
    return new RtspConnection(socket, signal);
  }

  /** Sends a request and waits for its response. */
  async request(method: string, uri: string, headers: Record<string, string> = {}): Promise<RtspResponse> {
    const sequence = String(++this.#sequence);
    const lines = [`${method} ${uri} RTSP/1.0`, `CSeq: ${sequence}`, "User-Agent: Sightline"];
    for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
    this.#socket.write(`${lines.join("\r\n")}${headEnd}`);
    const response = await this.#response();
    // Cameras that leave CSeq out are let through; a wrong one means the answers are out of step.
    if ((response.headers.get("cseq")?.[0] ?? sequence) !== sequence)
      throw new RtspProtocolError("the answer is to another request");
    return response;
  }

  close(): void {
    this.#socket.on("error", () => undefined).destroy();
  }

  async #response(): Promise<RtspResponse> {
    const end = await this.#receivedThrough((text) => {
      const found = text.indexOf(headEnd);
      return found < 0 ? undefined : found + headEnd.length;
    });
    const [first = "", ...lines] = this.#received.slice(0, end).trimEnd().split("\r\n");
    const status = /^RTSP\/\d\.\d (\d{3})\b/.exec(first)?.[1];
    if (status === undefined) throw new RtspProtocolError("the server's answer is not RTSP");
    const headers = new Map<string, string[]>();
    for (const line of lines) {
      const colon = line.indexOf(":");
      const name = line.slice(0, colon).trim().toLowerCase();
      headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()]);
    }
    const length = Number(headers.get("content-length")?.[0] ?? 0);
    if (!(length >= 0 && length <= mostBytes))
      throw new RtspProtocolError("the answer's length is not plausible");
    await this.#receivedThrough((text) => (text.length >= end + length ? end + length : undefined));
    const body = Buffer.from(this.#received.slice(end, end + length), "latin1").toString("utf8");
    this.#received = this.#received.slice(end + length);
    return { status: Number(status), headers, body };
  }

  /** Reads on until `found` gives a position in what has been received. */
  async #receivedThrough(found: (text: string) => number | undefined): Promise<number> {
    for (;;) {
      const position = found(this.#received);
      if (position !== undefined) return position;
      // What cannot become an answer any more need not be waited for.
      if (this.#received.length > mostBytes || !"RTSP/".startsWith(this.#received.slice(0, 5)))
        throw new RtspProtocolError("the server's answer is not RTSP");
      this.#received += await this.#chunk();
    }
  }

  async #chunk(): Promise<string> {
    const chunk: string | null = this.#socket.read();
    if (chunk !== null) return chunk;
    if (this.#socket.readableEnded || this.#socket.destroyed)
      throw new RtspProtocolError("the server closed the connection instead of answering");
    const round = new AbortController();
    const signal = AbortSignal.any([this.#signal, round.signal]);
    try {
      await Promise.race(["readable", "end", "close"].map((event) => once(this.#socket, event, { signal })));
    } catch (error) {
      throw this.#signal.aborted ? new RtspTimeoutError("the server did not answer in time") : error;
    } finally {
      round.abort();
    }
    return this.#socket.read() ?? "";
  }
}
