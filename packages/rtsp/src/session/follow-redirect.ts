import { CameraReason } from "@sightline/contracts";
import type { CameraAccess } from "../address/camera-networks.ts";
import { parseRtspUrl, type RtspTarget, RtspUrlError } from "../address/camera-url.ts";
import { faultError } from "../camera-fault.ts";

/** Ports that RTSP is served at; another one on the same host may be any service. */
const rtspPorts: readonly number[] = [554, 322, 8554];

/**
 * Where a redirect leads to. A camera could send its client, and the user and password with it, anywhere; they go on only to
 * the same host, at the same port or one of RTSP's, and not from TLS to plain text.
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

/** The URL's own user and password are left out: they are the camera's word. */
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
