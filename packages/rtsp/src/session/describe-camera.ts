import { CameraReason } from "@sightline/contracts";
import type { CameraAccess } from "../address/camera-networks.ts";
import type { RtspTarget } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import { Authenticator } from "../connection/authenticator.ts";
import { RtspConnection, type RtspResponse } from "../connection/rtsp-connection.ts";
import { followRedirect } from "./follow-redirect.ts";
import { parseSdp, type SessionDescription } from "./sdp.ts";

/** A camera that has described its streams. The caller must close the connection. */
export interface DescribedCamera {
  connection: RtspConnection;
  authenticator: Authenticator;
  /** Address of the description; relative addresses are appended to it. */
  base: string;
  description: SessionDescription;
  /** Methods that the camera says it supports. */
  methods: readonly string[];
}

const mostRedirects = 3;
const redirectStatus: readonly number[] = [301, 302, 303, 307, 308];

/**
 * Connects to a camera and asks what it offers (OPTIONS, DESCRIBE), following redirects as far as `access` allows.
 * @throws CameraFaultError, also when `signal` aborts
 */
export async function describeCamera(
  target: RtspTarget,
  access: CameraAccess,
  signal: AbortSignal,
): Promise<DescribedCamera> {
  let at = target;
  for (let hop = 0; hop <= mostRedirects; hop++) {
    const connection = await RtspConnection.open(at, access.networks, signal);
    try {
      const answer = await ask(connection, at, signal);
      if (!("redirect" in answer)) return answer;
      at = followRedirect(at, answer.redirect, access.redirects);
    } catch (error) {
      connection.close();
      throw error;
    }
    connection.close();
  }
  throw faultError(CameraReason.PROTOCOL_ERROR, `it redirects more than ${mostRedirects} times`);
}

async function ask(
  connection: RtspConnection,
  { uri, credentials }: RtspTarget,
  signal: AbortSignal,
): Promise<DescribedCamera | { redirect: string | undefined }> {
  const authenticator = new Authenticator(connection, credentials);
  const options = await authenticator.request("OPTIONS", uri, {}, signal);
  if (redirectStatus.includes(options.status)) return { redirect: options.headers.get("location")?.[0] };
  const response = await authenticator.request("DESCRIBE", uri, { Accept: "application/sdp" }, signal);
  if (redirectStatus.includes(response.status)) return { redirect: response.headers.get("location")?.[0] };
  expectSuccess("DESCRIBE", response);
  return {
    connection,
    authenticator,
    base:
      safeUri(response.headers.get("content-base")?.[0] ?? response.headers.get("content-location")?.[0]) ??
      uri,
    description: parseSdp(response.body),
    methods: (options.headers.get("public")?.[0] ?? "").split(",").map((name) => name.trim().toUpperCase()),
  };
}

/** @throws CameraFaultError that explains the status */
export function expectSuccess(method: string, { status }: RtspResponse): void {
  if (status >= 200 && status < 300) return;
  if (status === 403) throw faultError(CameraReason.UNAUTHORIZED, "it forbids this stream to this user");
  if (status === 404 || status === 410) throw faultError(CameraReason.NOT_FOUND);
  if (status === 461) throw faultError(CameraReason.TRANSPORT_REFUSED);
  if (status === 453 || status === 503)
    throw statusFault(`the camera is too busy: status ${status} to ${method}; let fewer programs watch it`);
  throw statusFault(
    `the camera refuses with status ${status} to ${method}; check the URL, and the camera's own log`,
  );
}

/** The server speaks RTSP, so the standard texts of other faults do not fit. */
function statusFault(message: string): CameraFaultError {
  return new CameraFaultError({ reason: CameraReason.PROTOCOL_ERROR, message });
}

/** A text from the camera that can safely stand in a request line; undefined for anything else. */
export function safeUri(text: string | undefined): string | undefined {
  return text !== undefined && /^rtsps?:\/\/[!-~]+$/i.test(text) ? text : undefined;
}
