import { CameraReason } from "@sightline/contracts";
import type { CameraAccess } from "../address/camera-networks.ts";
import { parseRtspUrl, type RtspTarget } from "../address/camera-url.ts";
import { faultError } from "../camera-fault.ts";
import { RtspUrlError } from "../errors.ts";

/** Ports that RTSP usually uses; any other port on the same host may be another service. */
const rtspPorts: readonly number[] = [554, 322, 8554];

/**
 * The target of a redirect. A camera could send its client, with user and password, anywhere; so a redirect is followed only to the same
 * host, at the same port or one of RTSP's ports, and not from TLS to plain text.
 * @throws CameraFaultError
 */
export function followRedirect(
  from: RtspTarget,
  location: string | undefined,
  redirects: CameraAccess["redirects"],
): RtspTarget {
  const target = parseLocation(location);
  const samePort = target.port === from.port || rtspPorts.includes(target.port);
  if (target.host.toLowerCase() === from.host.toLowerCase() && samePort && (target.tls || !from.tls))
    return { ...target, credentials: from.credentials };
  if (redirects !== "any") throw faultError(CameraReason.REDIRECTED, `to ${shown(target)}`);
  return { ...target, credentials: undefined };
}

/** A user and password in the redirect's URL are ignored: the camera chose them. */
function parseLocation(location: string | undefined): RtspTarget {
  try {
    return parseRtspUrl(location ?? "");
  } catch (error) {
    if (!(error instanceof RtspUrlError)) throw error;
    throw faultError(CameraReason.PROTOCOL_ERROR, "it redirects to an address that is not an RTSP URL");
  }
}

function shown({ host, port, tls }: RtspTarget): string {
  const plain = host.replace(/[^\w.:-]/g, "").slice(0, 80);
  return `${tls ? "rtsps" : "rtsp"}://${plain.includes(":") ? `[${plain}]` : plain}:${port}`;
}
