import { CameraReason } from "@sightline/contracts";
import { displaySize, h264Sequence } from "@sightline/media";
import { faultError } from "../camera-fault.ts";

/** A video stream in a session description. */
export interface SdpVideo {
  /** RTP encoding name in upper case: H264, H265, JPEG, … (RFC 8866 rtpmap; static types of RFC 3551). */
  codec: string;
  /** In pixels; undefined when the description does not say. */
  width: number | undefined;
  height: number | undefined;
  framesPerSecond: number | undefined;
}

/** What a camera says about its stream. */
export interface CameraOffer {
  /** The requested track. */
  video: SdpVideo;
  /** Video tracks that the stream has. */
  videoTracks: number;
  /** Its sound, as RTSP cameras describe it: the codec, and why it cannot be recorded. */
  sound?: { codec: string; fault: string | undefined } | undefined;
}

/** A video stream with everything needed to receive it. */
export interface SdpTrack extends SdpVideo {
  /** RTP profile: RTP/AVP, … */
  profile: string;
  payloadType: string;
  /** Address for SETUP: absolute, or relative to the description; undefined means the description's own address. */
  control: string | undefined;
  /** The attributes that describe the payload: rtpmap, fmtp and the like. */
  attributes: readonly string[];
}

/** A sound track. */
export interface SdpSound {
  /** RTP encoding name in upper case: MPEG4-GENERIC, PCMU, …; empty if unknown. */
  codec: string;
  /** Timestamp units per second; 0 if unknown. */
  rate: number;
  profile: string;
  payloadType: string;
  control: string | undefined;
  /** Parameters of `fmtp`, by lower-case name. */
  parameters: ReadonlyMap<string, string>;
}

/** A session description (RFC 8866). */
export interface SessionDescription {
  /** Address for playing the whole session; undefined or `*` means the description's own address. */
  control: string | undefined;
  /** Video streams, in order. */
  tracks: readonly SdpTrack[];
  /** Sound, in order. */
  sounds: readonly SdpSound[];
}

const staticPayloads: Readonly<Record<string, string>> = {
  "26": "JPEG",
  "28": "NV",
  "31": "H261",
  "32": "MPV",
  "33": "MP2T",
  "34": "H263",
};
const staticSounds: Readonly<Record<string, string>> = { "0": "PCMU", "8": "PCMA", "9": "G722", "14": "MPA" };
const payloadAttribute = /^a=(rtpmap|fmtp|framesize):(\d+) /;
const mediaAttribute = /^a=(framerate|x-dimensions):/;

/** Parses a session description. All of it comes from the camera and cannot be trusted. */
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
    sounds: media.filter(([first]) => first?.startsWith("m=audio ")).map(readSound),
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

function readSound(media: string[]): SdpSound {
  const [, , profile = "", payloadType = ""] = media[0]?.trim().split(/\s+/) ?? [];
  const forPayload = (name: string) => attribute(media, `${name}:${payloadType}`, " ");
  const [name, rate] = (forPayload("rtpmap") ?? staticSounds[payloadType] ?? "").split("/");
  return {
    codec: (name ?? "")
      .toUpperCase()
      .replace(/[^A-Z0-9.-]/g, "")
      .slice(0, 32),
    rate: /^\d{1,6}$/.test(rate ?? "") ? Number(rate) : 0,
    ...{ profile, payloadType, control: attribute(media, "control") },
    parameters: parametersOf(forPayload("fmtp") ?? ""),
  };
}

/** Parameters of an `fmtp` attribute, by lower-case name. */
export function parametersOf(text: string): Map<string, string> {
  return new Map(
    text.split(";").map((each) => {
      const [, name = "", value = ""] = /^\s*([^=]*)=?(.*?)\s*$/s.exec(each) ?? [];
      return [name.toLowerCase(), value];
    }),
  );
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

/** The video track to receive; `number` counts from 1, 0 takes the first. @throws CameraFaultError */
export function chooseTrack({ tracks }: SessionDescription, number: number): SdpTrack {
  const track = tracks[Math.max(1, number) - 1];
  if (!track)
    throw faultError(
      CameraReason.NO_VIDEO,
      tracks.length === 0 ? undefined : `video track ${number} was requested, but it has ${tracks.length}`,
    );
  if (!decodable.has(track.codec)) throw faultError(CameraReason.UNSUPPORTED_CODEC, codecName(track.codec));
  if (!/^\d{1,3}$/.test(track.payloadType))
    throw faultError(CameraReason.PROTOCOL_ERROR, "its description of the video cannot be read");
  if (track.profile.toUpperCase().startsWith("RTP/SAVP"))
    throw faultError(CameraReason.UNSUPPORTED_CODEC, "it is encrypted with SRTP; use rtsps:// instead");
  return track;
}

/** A codec's name comes from the camera, so only characters that are usual in names are shown. */
function codecName(codec: string): string {
  return codec.replace(/[^A-Z0-9.-]/g, "").slice(0, 32);
}
