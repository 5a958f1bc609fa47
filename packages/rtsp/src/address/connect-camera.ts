import { lookup } from "node:dns";
import { once } from "node:events";
import { connect as connectTcp, isIP, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { CameraReason } from "@sightline/contracts";
import { faultError, socketFault } from "../camera-fault.ts";
import type { CameraNetworks } from "./camera-networks.ts";
import type { RtspTarget } from "./camera-url.ts";

/** A connection that died silently is detected by probes; they begin after this much silence. */
const keepAliveMs = 30_000;
/** More than the packets that a camera sends at once. */
const readBytes = 64 * 1024;

/**
 * Connects to a camera over TCP or TLS, at an address that `networks` allows. A camera's certificate is not checked: nearly all are
 * self-signed. With `take`, incoming data goes to that function, each piece in its own memory, and never to readers of the socket: video
 * comes in many small pieces, and the normal way through a stream takes twice the time for them.
 * @throws CameraFaultError, also when `signal` aborts
 */
export async function connectCamera(
  { host, port, tls }: RtspTarget,
  networks: CameraNetworks,
  signal: AbortSignal,
  take?: (piece: Buffer) => void,
): Promise<Socket> {
  if (isIP(host) !== 0 && !networks.allows(host)) throw faultError(CameraReason.ADDRESS_NOT_ALLOWED);
  let resolved = isIP(host) !== 0;
  const allowedOnly: LookupFunction = (name, options, callback) => {
    lookup(name, { ...options, all: true }, (error, addresses) => {
      resolved = true;
      if (error) return callback(error, "");
      const allowed = addresses.filter(({ address }) => networks.allows(address));
      const first = allowed[0];
      if (!first) return callback(faultError(CameraReason.ADDRESS_NOT_ALLOWED), "");
      if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
  const onread = take && {
    buffer: Buffer.allocUnsafeSlow(readBytes),
    callback: (bytes: number, buffer: Uint8Array) => {
      take(Buffer.from(buffer.subarray(0, bytes)));
      return true;
    },
  };
  const options = {
    ...{ host, port, lookup: allowedOnly, noDelay: true, keepAlive: true },
    ...(onread && { onread }),
  };
  const socket = tls
    ? connectTls({ ...options, rejectUnauthorized: false, ...(isIP(host) === 0 && { servername: host }) })
    : connectTcp(options);
  try {
    await once(socket, tls ? "secureConnect" : "connect", { signal });
  } catch (error) {
    socket.on("error", () => undefined).destroy();
    if (!signal.aborted) throw socketFault(error);
    throw resolved
      ? faultError(CameraReason.UNREACHABLE, "the connection was not established in time")
      : faultError(CameraReason.DNS_FAILURE, "the name was not resolved in time");
  }
  socket.setKeepAlive(true, keepAliveMs);
  if (networks.allows(socket.remoteAddress ?? "")) return socket;
  socket.on("error", () => undefined).destroy();
  throw faultError(CameraReason.ADDRESS_NOT_ALLOWED);
}
