import { createSocket, type Socket } from "node:dgram";
import { once } from "node:events";
import { isIPv6 } from "node:net";

/** A pair of UDP ports for RTP and RTCP, the first one even (RFC 3550, section 11). */
export interface UdpPorts {
  rtp: Socket;
  rtcp: Socket;
  rtpPort: number;
  close(): void;
}

const tries = 20;
/** More than the pictures of one burst; the system may grant less. */
const receiveBytes = 4 * 1024 * 1024;

/** Binds a pair at one of this machine's addresses. @throws the system's error when no pair is free */
export async function bindUdpPorts(address: string): Promise<UdpPorts> {
  let failure: unknown;
  for (let i = 0; i < tries; i++) {
    const first = await bind(address, 0);
    const { port } = first.address();
    try {
      const other = await bind(address, port % 2 === 0 ? port + 1 : port - 1);
      const [rtp, rtcp] = port % 2 === 0 ? [first, other] : [other, first];
      const close = () => {
        rtp.close();
        rtcp.close();
      };
      return { rtp, rtcp, rtpPort: port - (port % 2), close };
    } catch (error) {
      failure = error;
      first.close();
    }
  }
  throw failure;
}

async function bind(address: string, port: number): Promise<Socket> {
  const type = isIPv6(address) ? "udp6" : "udp4";
  const socket = createSocket({ type, recvBufferSize: receiveBytes });
  try {
    socket.bind({ address, port, exclusive: true });
    await once(socket, "listening");
  } catch (error) {
    socket.close();
    throw error;
  }
  // What cannot be sent or received counts as lost on the network.
  return socket.on("error", () => undefined);
}
