import type { RtspConnection } from "../connection/rtsp-connection.ts";
import { WorkBudget } from "../connection/work-budget.ts";
import { RtpOrder } from "./rtp-order.ts";
import { bindUdpPorts, type UdpPorts } from "./udp-ports.ts";

/** Channels of the packets from a transport, whatever channels the camera uses. */
export const rtpChannel = 0;
export const rtcpChannel = 1;

/** How RTP and RTCP come from a camera and go to it. Packets have the 4-byte header of interleaved packets. */
export interface RtpTransport {
  kind: "tcp" | "udp";
  /** Value of the Transport header that requests it. */
  offer: string;
  /** Takes the camera's answer to the offer. */
  accept(answer: string): void;
  onPacket: ((packet: Buffer) => void) | undefined;
  /** Packets that were ignored because the camera sends more than it may. */
  readonly dropped: number;
  send(packet: Buffer): void;
  close(): void;
}

/** RTP within the RTSP connection. */
export class InterleavedTransport implements RtpTransport {
  readonly kind = "tcp";
  readonly offer: string;
  /** Nothing is dropped: the camera is made to wait instead. */
  readonly dropped = 0;
  onPacket: ((packet: Buffer) => void) | undefined;
  readonly #connection: RtspConnection;
  readonly #take: (channel: number, packet: Buffer) => void;
  #rtp: number;
  #rtcp: number;

  /** `first` is the channel that the camera is asked to use for RTP; the next one is for RTCP. */
  constructor(connection: RtspConnection, first = rtpChannel) {
    this.#connection = connection;
    this.offer = `RTP/AVP/TCP;unicast;interleaved=${first}-${first + 1}`;
    [this.#rtp, this.#rtcp] = [first, first + 1];
    this.#take = (channel, packet) => {
      if (channel !== this.#rtp && channel !== this.#rtcp) return;
      const to = channel === this.#rtp ? rtpChannel : rtcpChannel;
      packet[1] = to;
      this.onPacket?.(packet);
    };
    connection.takers.add(this.#take);
  }

  /** The channels that the camera uses. */
  get channels(): readonly [rtp: number, rtcp: number] {
    return [this.#rtp, this.#rtcp];
  }

  accept(answer: string): void {
    const [, rtp, rtcp] = /interleaved=(\d+)(?:-(\d+))?/.exec(answer) ?? [];
    if (rtp === undefined) return;
    this.#rtp = Number(rtp);
    this.#rtcp = Number(rtcp ?? Number(rtp) + 1);
  }

  send(packet: Buffer): void {
    packet[1] = this.#rtcp;
    this.#connection.send(packet);
  }

  close(): void {
    this.#connection.takers.delete(this.#take);
  }
}

/** A receiver report without a source (RFC 3550, 6.4.2). Cameras may think that a receiver that sends none is gone. */
const emptyReport = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 0]);
const reportMs = 5_000;

/** Cost of each packet, in bytes, on top of its own size: the system delivers each one separately. */
const packetBytes = 500;

/** RTP over UDP. Only packets from the camera's address are accepted, and only as many as the process has time for. */
export class UdpTransport implements RtpTransport {
  readonly kind = "udp";
  onPacket: ((packet: Buffer) => void) | undefined;
  readonly #ports: UdpPorts;
  readonly #camera: string;
  readonly #order = new RtpOrder((packet) => this.#give(rtpChannel, packet));
  readonly #budget = new WorkBudget();
  /** Nothing is accepted until this time, by performance.now(). */
  #restUntil = 0;
  #dropped = 0;
  #serverPort: number | undefined;
  #reports: NodeJS.Timeout | undefined;

  private constructor(ports: UdpPorts, camera: string) {
    this.#ports = ports;
    this.#camera = camera;
    ports.rtp.on("message", (packet, { address }) =>
      this.#take(packet, address, () => this.#order.push(packet)),
    );
    ports.rtcp.on("message", (packet, { address }) =>
      this.#take(packet, address, () => this.#give(rtcpChannel, packet)),
    );
  }

  static async bind({ localAddress, remoteAddress }: RtspConnection): Promise<UdpTransport> {
    return new UdpTransport(await bindUdpPorts(localAddress), remoteAddress);
  }

  get dropped(): number {
    return this.#dropped;
  }

  get offer(): string {
    const port = this.#ports.rtpPort;
    return `RTP/AVP/UDP;unicast;client_port=${port}-${port + 1}`;
  }

  accept(answer: string): void {
    const port = Number(/server_port=(\d+)/.exec(answer)?.[1]);
    if (!(port > 0 && port < 65_535)) return;
    this.#serverPort = port;
    // Opens the way back through a stateful firewall: an empty RTP packet and an empty receiver report.
    this.#ports.rtp.send(Buffer.from([0x80, ...Array<number>(11).fill(0)]), port, this.#camera);
    const report = () => this.#ports.rtcp.send(emptyReport, port + 1, this.#camera);
    report();
    this.#reports = setInterval(report, reportMs);
  }

  send(packet: Buffer): void {
    if (this.#serverPort !== undefined)
      this.#ports.rtcp.send(packet.subarray(4), this.#serverPort + 1, this.#camera);
  }

  close(): void {
    this.onPacket = undefined;
    clearInterval(this.#reports);
    this.#order.stop();
    this.#budget.close();
    this.#ports.close();
  }

  #take(packet: Buffer, address: string, take: () => void): void {
    if (address !== this.#camera) return;
    if (performance.now() < this.#restUntil) {
      this.#dropped += 1;
      return;
    }
    const restMs = this.#budget.spend(packet.length + packetBytes, take);
    if (restMs > 0) this.#restUntil = performance.now() + restMs;
  }

  #give(channel: number, packet: Buffer): void {
    const header = Buffer.from([0x24, channel, packet.length >> 8, packet.length & 0xff]);
    this.onPacket?.(Buffer.concat([header, packet]));
  }
}
