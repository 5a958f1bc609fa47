import { CameraReason } from "@sightline/contracts";
import { RtspError } from "./errors.ts";

/** Why a camera gives no video, in a form for programs and a form for people. */
export interface CameraFault {
  reason: CameraReason;
  /** What is wrong and what to do; holds no secret. */
  message: string;
}

/** A camera's fault as an error. */
export class CameraFaultError extends RtspError implements CameraFault {
  readonly reason: CameraReason;

  constructor({ reason, message }: CameraFault) {
    super("camera_fault", message);
    this.reason = reason;
  }
}

const texts: Partial<Record<CameraReason, string>> = {
  [CameraReason.DNS_FAILURE]: "the camera's host name has no address; check the name and this machine's DNS",
  [CameraReason.CONNECTION_REFUSED]:
    "nothing listens on the camera's address and port; check both, and turn on streaming at the camera",
  [CameraReason.UNREACHABLE]:
    "the camera's host does not answer; check the address, the network and firewalls",
  [CameraReason.UNAUTHORIZED]: "the camera refuses the user or password; check both",
  [CameraReason.NOT_FOUND]: "the camera has no stream at this path; check the path in the URL",
  [CameraReason.NO_VIDEO]: "the stream has no video; check that the URL is the URL of a video stream",
  [CameraReason.UNSUPPORTED_CODEC]:
    "the video's codec cannot be decoded here; set the camera to H.264 or H.265",
  [CameraReason.NO_KEY_FRAME]:
    "video arrives, but no key frame to start from; shorten the camera's key frame interval",
  [CameraReason.STALLED]: "frames stopped arriving; check the camera and the network",
  [CameraReason.DECODE_FAILURE]: "what the camera sends cannot be decoded; check its encoder",
  [CameraReason.STREAM_ENDED]: "the camera ended the stream",
  [CameraReason.PROTOCOL_ERROR]:
    "the server at this address does not use the protocol of the URL, or refuses the request; check the port and the URL",
  [CameraReason.ADDRESS_NOT_ALLOWED]:
    "cameras may not have this address; to allow it, add its network to SIGHTLINE_CAMERA_NETWORKS",
  [CameraReason.REDIRECTED]:
    "the camera redirects to another address; give that address as the camera's URL, or set SIGHTLINE_CAMERA_REDIRECTS=any",
  [CameraReason.TRANSPORT_REFUSED]: "the camera does not send video in this way; use transport auto",
  [CameraReason.DECODING_TOO_SLOW]:
    "the camera's pictures come faster than this machine can decode them; lower their size or rate at the camera, or use its second stream",
};

/** A fault with the standard text for its reason; `detail` is appended. */
export function describeReason(reason: CameraReason, detail?: string): CameraFault {
  const text = texts[reason] ?? "ingest failed";
  return { reason, message: detail === undefined ? text : `${text} (${detail})` };
}

/** H.264 or H.265 video without parameter sets, neither in the description nor in the stream. */
export const withoutParameters: CameraFault = {
  reason: CameraReason.DECODE_FAILURE,
  message:
    "the camera sends no parameter sets (SPS), neither in its description nor in the stream, so the stream cannot be decoded; set its encoder to repeat them with each key frame",
};

/**
 * The part of a fault's message after the standard text for its reason (see `describeReason`); the whole message if it has another form.
 */
export function faultDetail({ reason, message }: CameraFault): string {
  const { message: words } = describeReason(reason);
  if (!message.startsWith(words)) return message;
  return message.slice(words.length).replace(/^ \((.*)\)$/s, "$1");
}

/** The same as an error. */
export function faultError(reason: CameraReason, detail?: string): CameraFaultError {
  return new CameraFaultError(describeReason(reason, detail));
}

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

/** Maps a socket error to a fault, by the error's code: its message is not used because it repeats the address. */
export function socketFault(error: unknown): CameraFaultError {
  if (error instanceof CameraFaultError) return error;
  const codes = error instanceof AggregateError ? error.errors : [error];
  for (const { code } of codes as { code?: string }[])
    if (code !== undefined && reasonOfCode[code] !== undefined) return faultError(reasonOfCode[code]);
  return faultError(CameraReason.PROTOCOL_ERROR, "the connection failed");
}
