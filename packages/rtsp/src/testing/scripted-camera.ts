import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type CameraLogin, LoginCheck } from "./camera-login.ts";
import { describeTrack } from "./rtp-packets.ts";
import { describeSound, type ScriptedSound, SoundPlayer } from "./sound-player.ts";
import { type ScriptedTrack, TrackPlayer, type TrackRoute } from "./track-player.ts";
import { readClip } from "./video-clip.ts";

export type { PlayedPicture, ScriptedTrack } from "./track-player.ts";

/** A request as the camera received it. */
export interface ScriptedRequest {
  method: string;
  uri: string;
  /** By lower-case name. */
  headers: ReadonlyMap<string, string>;
}

export interface ScriptedAnswer {
  /** For example "302 Moved Temporarily"; default "200 OK". */
  status?: string;
  headers?: readonly string[];
  body?: string;
}

export interface ScriptedCameraOptions {
  /** Video tracks in the order of the description; default: one of the bundled clip. */
  tracks?: readonly ScriptedTrack[];
  /** Its sound, by AAC. */
  sound?: ScriptedSound;
  login?: CameraLogin;
  /** Transports that SETUP accepts; any other is answered with 461. */
  transports?: readonly ("tcp" | "udp")[];
  /** Seconds after which the camera ends a session if the client sends nothing. */
  sessionTimeout?: number;
  /** Methods in the answer to OPTIONS. */
  methods?: string;
  /** Changes the description. */
  describe?: (sdp: string) => string;
  /**
   * Answers a request instead of the camera; "close" ends the connection, "silence" gives no answer, bytes are sent as they are,
   * undefined lets the camera answer, after `afterMs`.
   */
  answer?: (
    request: ScriptedRequest,
  ) => ScriptedAnswer | { afterMs: number } | Buffer | "close" | "silence" | undefined;
  host?: string;
  port?: number;
}

/**
 * An RTSP camera (RFC 2326) on loopback for tests: real sockets and real video, with chosen answers, authentication, tracks, timestamps
 * and faults. `requests` lists the requests received.
 */
export class ScriptedCamera {
  readonly requests: ScriptedRequest[] = [];
  readonly #server: Server;
  readonly #udp: UdpSocket;
  readonly #sockets = new Set<Socket>();
  readonly #options: ScriptedCameraOptions & { tracks: readonly ScriptedTrack[] };

  private constructor(
    server: Server,
    udp: UdpSocket,
    options: ScriptedCameraOptions & { tracks: readonly ScriptedTrack[] },
  ) {
    this.#server = server;
    this.#udp = udp;
    this.#options = options;
    server.on("connection", (socket) => this.#serve(socket));
  }

  static async start(options: ScriptedCameraOptions = {}): Promise<ScriptedCamera> {
    const server = createServer();
    const tracks = options.tracks ?? [{ clip: await readClip() }];
    const udp = createSocket("udp4").on("error", () => undefined);
    const { host = "127.0.0.1", port = 0 } = options;
    udp.bind(0, host);
    server.listen(port, host);
    await Promise.all([once(server, "listening"), once(udp, "listening")]);
    return new ScriptedCamera(server, udp, { ...options, tracks });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  url(path = "stream"): string {
    return `rtsp://${this.#options.host ?? "127.0.0.1"}:${this.port}/${path}`;
  }

  /** Connections that are open now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Ends every connection; new ones are accepted. */
  disconnect(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection except the newest. */
  disconnectOlder(): void {
    for (const socket of [...this.#sockets].slice(0, -1)) socket.destroy();
  }

  async stop(): Promise<void> {
    this.#server.close();
    const ended = [...this.#sockets].map((socket) => once(socket, "close"));
    this.disconnect();
    await Promise.all(ended);
    this.#udp.close();
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const session: Session = {
      check: this.#options.login && new LoginCheck(this.#options.login),
      players: new Map(),
      expiry: undefined,
    };
    let received = Buffer.alloc(0);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      this.#sockets.delete(socket);
      clearTimeout(session.expiry);
      for (const player of session.players.values()) player.stop();
    });
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (;;) {
        if (received[0] === 0x24) {
          // An interleaved RTCP report.
          if (received.length < 4 || received.length < 4 + received.readUInt16BE(2)) return;
          received = received.subarray(4 + received.readUInt16BE(2));
          continue;
        }
        const end = received.indexOf("\r\n\r\n");
        if (end < 0) return;
        const head = received.toString("utf8", 0, end);
        received = received.subarray(end + 4);
        this.#answer(socket, session, parseRequest(head));
      }
    });
  }

  #answer(socket: Socket, session: Session, request: ScriptedRequest): void {
    this.requests.push(request);
    this.#keepAlive(socket, session);
    const scripted = this.#options.answer?.(request);
    if (scripted === "close") socket.destroy();
    else if (scripted === "silence") return;
    else if (Buffer.isBuffer(scripted)) socket.write(scripted);
    else if (scripted && "afterMs" in scripted)
      setTimeout(() => respond(socket, request, this.#usual(socket, session, request)), scripted.afterMs);
    else respond(socket, request, scripted ?? this.#usual(socket, session, request));
    if (request.method === "PLAY" && scripted === undefined)
      for (const player of session.players.values()) player.start();
    if (request.method === "TEARDOWN") socket.end();
  }

  #usual(socket: Socket, session: Session, request: ScriptedRequest): ScriptedAnswer {
    const { method, uri, headers } = request;
    const { tracks, methods = "OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN, GET_PARAMETER" } = this.#options;
    if (method === "OPTIONS") return { headers: [`Public: ${methods}`] };
    if (session.check && !session.check.accepts(method, headers.get("authorization")))
      return {
        status: "401 Unauthorized",
        headers: session.check.challenges.map((challenge) => `WWW-Authenticate: ${challenge}`),
      };
    switch (method) {
      case "DESCRIBE": {
        const head = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=camera\r\nt=0 0\r\na=control:*\r\n";
        const { sound } = this.#options;
        const sounds = sound ? describeSound(sound.clip, "sound") : "";
        const sdp =
          head + tracks.map(({ clip }, i) => describeTrack(clip, `track${i + 1}`)).join("") + sounds;
        const body = this.#options.describe?.(sdp) ?? sdp;
        return { headers: ["Content-Type: application/sdp", `Content-Base: ${uri}/`], body };
      }
      case "SETUP":
        return this.#setup(socket, session, request);
      case "PLAY":
      case "TEARDOWN":
      case "GET_PARAMETER":
        return { headers: ["Session: 1234"] };
      default:
        return { status: "501 Not Implemented" };
    }
  }

  #setup(socket: Socket, session: Session, { uri, headers }: ScriptedRequest): ScriptedAnswer {
    const { tracks, sound, transports = ["tcp", "udp"], sessionTimeout = 60 } = this.#options;
    const name = uri.split("/").at(-1) ?? "";
    const track = tracks[Number(name.replace("track", "")) - 1];
    const isSound = name === "sound" && sound !== undefined;
    if (!track && !isSound) return { status: "404 Not Found" };
    const transport = headers.get("transport") ?? "";
    const tcp = /TCP.*interleaved=(\d+)/.exec(transport)?.[1];
    const udp = /client_port=(\d+)/.exec(transport);
    if (!transports.includes(tcp === undefined ? "udp" : "tcp"))
      return { status: "461 Unsupported Transport" };
    const route: TrackRoute =
      tcp === undefined
        ? { udp: this.#udp, address: socket.remoteAddress ?? "", port: Number(udp?.[1]) }
        : { socket, channel: Number(tcp) };
    const player = isSound ? new SoundPlayer(sound, route) : new TrackPlayer(track!, route);
    session.players.get(name)?.stop();
    session.players.set(name, player);
    const { port } = this.#udp.address();
    const server = tcp === undefined ? `;server_port=${port}-${port + 1}` : "";
    return { headers: [`Transport: ${transport}${server}`, `Session: 1234;timeout=${sessionTimeout}`] };
  }

  #keepAlive(socket: Socket, session: Session): void {
    clearTimeout(session.expiry);
    const { sessionTimeout } = this.#options;
    if (sessionTimeout !== undefined)
      session.expiry = setTimeout(() => socket.destroy(), sessionTimeout * 1000);
  }
}

interface Session {
  check: LoginCheck | undefined;
  players: Map<string, TrackPlayer | SoundPlayer>;
  expiry: NodeJS.Timeout | undefined;
}

function parseRequest(head: string): ScriptedRequest {
  const [first = "", ...lines] = head.split("\r\n");
  const [method = "", uri = ""] = first.split(" ");
  const headers = new Map(
    lines.map((line) => {
      const [, name = "", value = ""] = /^([^:]*):\s*(.*)$/s.exec(line) ?? [];
      return [name.toLowerCase(), value] as const;
    }),
  );
  return { method, uri, headers };
}

function respond(socket: Socket, { headers: asked }: ScriptedRequest, answer: ScriptedAnswer): void {
  const { status = "200 OK", headers = [], body = "" } = answer;
  const length = body === "" ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const head = [`RTSP/1.0 ${status}`, `CSeq: ${asked.get("cseq")}`, ...headers, ...length];
  socket.write(`${head.join("\r\n")}\r\n\r\n${body}`);
}
