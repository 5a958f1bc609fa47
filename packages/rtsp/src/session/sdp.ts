import { displaySize, h264Sequence } from "@sightline/media";

/** A video stream that a session description offers. */
export interface SdpVideo {
  /** RTP encoding name in upper case: H264, H265, JPEG, … (RFC 8866 rtpmap; static types of RFC 3551). */
  codec: string;
  /** Pixels; undefined when the description does not tell. */
  width: number | undefined;
  height: number | undefined;
  framesPerSecond: number | undefined;
}

/** What a camera says of its stream. */
export interface CameraOffer {
  /** The track that was asked for. */
  video: SdpVideo;
  /** Video tracks that the stream has. */
  videoTracks: number;
}

/** A video stream with what it takes to receive it. */
export interface SdpTrack extends SdpVideo {
  /** RTP profile: RTP/AVP, … */
  profile: string;
  payloadType: string;
  /** Where to set it up: absolute, or relative to the description; undefined stands for the description's own address. */
  control: string | undefined;
  /** The attributes that describe the payload: rtpmap, fmtp and the like. */
  attributes: readonly string[];
}

/** A session description (RFC 8866). */
export interface SessionDescription {
  /** Where the whole session is played; undefined or `*` stand for the description's own address. */
  control: string | undefined;
  /** Video streams, in order. */
  tracks: readonly SdpTrack[];
}

const staticPayloads: Readonly<Record<string, string>> = {
  "26": "JPEG",
  "28": "NV",
  "31": "H261",
  "32": "MPV",
  "33": "MP2T",
  "34": "H263",
};
const payloadAttribute = /^a=(rtpmap|fmtp|framesize):(\d+) /;
const mediaAttribute = /^a=(framerate|x-dimensions):/;

/** Reads a session description; all of it is the camera's word and may be anything. */
export function parseSdp(text: string): SessionDescription {
  const sections: string[][] = [[]];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("m=")) sections.push([]);
    sections.at(-1)?.push(line);
  }
  const [session = [], ...media] = sections;
  return {
    control: attribute(session, "control"),
    tracks: media.filter(([first]) => first?.startsWith("m=video ")).map(readTrack),
  };
}

function readTrack(media: string[]): SdpTrack {
  const [, , profile = "", payloadType = ""] = media[0]?.trim().split(/\s+/) ?? [];
  const forPayload = (name: string) => attribute(media, `${name}:${payloadType}`, " ");
  const codec = (forPayload("rtpmap")?.split("/")[0] ?? staticPayloads[payloadType] ?? "unknown")
    .trim()
    .toUpperCase();
  const rate = Number(attribute(media, "framerate"));
  return {
    codec,
    ...(sizeOf(codec, forPayload("fmtp")) ?? sizeAttribute(attribute(media, "x-dimensions"))),
    framesPerSecond: Number.isFinite(rate) && rate > 0 ? rate : undefined,
    profile,
    payloadType,
    control: attribute(media, "control"),
    attributes: media.filter(
      (line) => mediaAttribute.test(line) || payloadAttribute.exec(line)?.[2] === payloadType,
    ),
  };
}

function attribute(lines: readonly string[], name: string, separator = ":"): string | undefined {
  const begin = `a=${name}${separator}`;
  return lines
    .find((line) => line.startsWith(begin))
    ?.slice(begin.length)
    .trim();
}

function sizeOf(
  codec: string,
  parameters: string | undefined,
): { width: number; height: number } | undefined {
  if (codec !== "H264" || parameters === undefined) return undefined;
  const sets = /sprop-parameter-sets=([^;\s]+)/.exec(parameters)?.[1];
  const sps = sets?.split(",")[0];
  const sequence = sps === undefined ? undefined : h264Sequence(Buffer.from(sps, "base64"));
  return sequence && displaySize(sequence, sequence.aspect);
}

function sizeAttribute(value: string | undefined): { width: number | undefined; height: number | undefined } {
  const [width, height] =
    /^(\d+)\s*,\s*(\d+)/
      .exec(value ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  return { width, height };
}
