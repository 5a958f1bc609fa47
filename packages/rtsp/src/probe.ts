import { CameraReason } from "@sightline/contracts";
import { type CameraFault, describeReason } from "./camera-fault.ts";
import { authorize, parseChallenge } from "./digest-auth.ts";
import { RtspConnection, RtspProtocolError, type RtspResponse, RtspTimeoutError } from "./rtsp-connection.ts";
import type { Credentials, RtspTarget } from "./rtsp-url.ts";
import { parseSdp, type SdpVideo } from "./sdp.ts";

/** What a camera says of its stream, or why it does not. */
export type RtspProbe = { ok: true; video: SdpVideo } | ({ ok: false } & CameraFault);

export interface ProbeOptions {
  /** For the whole probe. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** RTP encodings that every ffmpeg build receives and decodes. */
const decodable = new Set([
  "H264",
  "H265",
  "JPEG",
  "MP4V-ES",
  "VP8",
  "VP9",
  "H263",
  "H263-1998",
  "H263-2000",
  "MPV",
  "MP2T",
]);

const reasonOfCode: Readonly<Record<string, CameraReason>> = {
  ENOTFOUND: CameraReason.DNS_FAILURE,
  EAI_AGAIN: CameraReason.DNS_FAILURE,
  EAI_FAIL: CameraReason.DNS_FAILURE,
  EAI_NODATA: CameraReason.DNS_FAILURE,
  ECONNREFUSED: CameraReason.CONNECTION_REFUSED,
  ETIMEDOUT: CameraReason.UNREACHABLE,
  EHOSTUNREACH: CameraReason.UNREACHABLE,
  ENETUNREACH: CameraReason.UNREACHABLE,
  EHOSTDOWN: CameraReason.UNREACHABLE,
};

/**
 * Asks a camera what it offers (OPTIONS, DESCRIBE), without starting the stream. Every failure that the camera or the
 * network can cause is an outcome, told apart by error code and RTSP status, not an exception.
 */
export async function probe(target: RtspTarget, options: ProbeOptions = {}): Promise<RtspProbe> {
  const timeout = AbortSignal.timeout(options.timeoutMs ?? 5_000);
  const signal = options.signal ? AbortSignal.any([timeout, options.signal]) : timeout;
  let connection: RtspConnection | undefined;
  try {
    connection = await RtspConnection.open(target, signal);
    return describe(await requestDescription(connection, target.uri, target.credentials));
  } catch (error) {
    options.signal?.throwIfAborted();
    // Only our own words: a system error's message repeats the address.
    const known = error instanceof RtspProtocolError || error instanceof RtspTimeoutError;
    return fault(reasonOf(error), known ? error.message : undefined);
  } finally {
    connection?.close();
  }
}

/** DESCRIBE, again with credentials when the server wants them. */
async function requestDescription(
  connection: RtspConnection,
  uri: string,
  credentials: Credentials | undefined,
): Promise<RtspResponse> {
  const headers = { Accept: "application/sdp" };
  await connection.request("OPTIONS", uri);
  const first = await connection.request("DESCRIBE", uri, headers);
  if (first.status !== 401 || !credentials) return first;
  const challenges = (first.headers.get("www-authenticate") ?? []).map(parseChallenge);
  const authorization = authorize(challenges, credentials, { method: "DESCRIBE", uri });
  if (authorization === undefined) return first;
  return connection.request("DESCRIBE", uri, { ...headers, Authorization: authorization });
}

function describe(response: RtspResponse): RtspProbe {
  if (response.status === 401 || response.status === 403) return fault(CameraReason.UNAUTHORIZED);
  if (response.status === 404 || response.status === 410) return fault(CameraReason.NOT_FOUND);
  if (response.status !== 200) return fault(CameraReason.PROTOCOL_ERROR, `RTSP status ${response.status}`);
  const video = parseSdp(response.body);
  if (!video) return fault(CameraReason.NO_VIDEO);
  if (!decodable.has(video.codec)) return fault(CameraReason.UNSUPPORTED_CODEC, codecName(video.codec));
  return { ok: true, video };
}

/** A codec's name comes from the camera: only what a name is made of is shown. */
function codecName(codec: string): string {
  return codec.replace(/[^A-Z0-9.-]/g, "").slice(0, 32);
}

function reasonOf(error: unknown): CameraReason {
  if (error instanceof RtspTimeoutError) return CameraReason.UNREACHABLE;
  const codes = error instanceof AggregateError ? error.errors : [error];
  for (const { code } of codes as { code?: string }[])
    if (code !== undefined && reasonOfCode[code] !== undefined) return reasonOfCode[code];
  return CameraReason.PROTOCOL_ERROR;
}

function fault(reason: CameraReason, detail?: string): RtspProbe {
  return { ok: false, ...describeReason(reason, detail) };
}
