import { supplementalMessages } from "@sightline/media";
import { parametersOf, type SdpTrack } from "../session/sdp.ts";

/** Codecs whose streams are made of NAL units. */
export type NalCodec = "H264" | "H265";

/** What a NAL unit means for its picture. */
export interface NalKind {
  /** A piece (slice) of a coded picture. */
  picture: boolean;
  /** The first piece of its picture. */
  first: boolean;
  /** A decoder can start at its picture. */
  key: boolean;
  /** Comes before the pieces of a picture, never between or after them. */
  precedes: boolean;
  /** Parameters of a sequence (SPS), without which nothing can be decoded. */
  parameters: boolean;
  /** Information about its picture that decoding does not need (SEI). */
  supplemental: boolean;
}

/** `header` contains the unit's header, `body` begins with the bytes after it (H.264, 7.4.1; H.265, 7.4.2.2). */
export function nalKind(codec: NalCodec, header: Buffer, body: Buffer): NalKind {
  // first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is set: both are the first bit.
  const first = ((body[0] ?? 0) & 0x80) !== 0;
  if (codec === "H264") {
    const type = header[0]! & 0x1f;
    const picture = type >= 1 && type <= 5;
    // Types 3 and 4 are further partitions of a slice that began before.
    const key = type === 5 || (type === 6 && isRecoveryPoint(body));
    return {
      picture,
      first: first && type !== 3 && type !== 4,
      key,
      precedes: type >= 6 && type <= 9,
      parameters: type === 7,
      supplemental: type === 6,
    };
  }
  const type = (header[0]! >> 1) & 0x3f;
  const picture = type < 32;
  return {
    picture,
    first,
    key: type >= 16 && type <= 21,
    precedes: (type >= 32 && type <= 35) || type === 39,
    parameters: type === 33,
    supplemental: type === 39,
  };
}

/** Whether H.264 supplemental information says that decoding can begin here (D.1.8), as cameras without IDR pictures do. */
function isRecoveryPoint(body: Buffer): boolean {
  for (const { type } of supplementalMessages(body)) if (type === 6) return true;
  return false;
}

/** What a track's description says about its NAL units. */
export interface NalTrack {
  codec: NalCodec;
  /** The unit of RTP timestamps. */
  ticksPerSecond: number;
  parameterSets: readonly Buffer[];
}

const usualClock = 90_000;
/** More than any parameter set. */
const mostSetBytes = 4096;

/** Undefined for other codecs, and for tracks that send units in another order. */
export function nalTrack({ codec, attributes }: SdpTrack): NalTrack | undefined {
  if (codec !== "H264" && codec !== "H265") return undefined;
  const value = (name: string) =>
    attributes.find((line) => line.startsWith(`a=${name}:`))?.replace(/^\S+\s+/, "") ?? "";
  const parameters = parametersOf(value("fmtp"));
  const number = (name: string) => Number(parameters.get(name) ?? 0);
  if (number("packetization-mode") > 1 || number("sprop-max-don-diff") > 0) return undefined;
  const names = codec === "H264" ? ["sprop-parameter-sets"] : ["sprop-vps", "sprop-sps", "sprop-pps"];
  const sets = names.flatMap((name) => (parameters.get(name) ?? "").split(","));
  const clock = Number(/^[^/]*\/(\d{1,9})/.exec(value("rtpmap"))?.[1]);
  return {
    codec,
    ticksPerSecond: clock > 0 ? clock : usualClock,
    parameterSets: sets
      .map((set) => Buffer.from(set, "base64"))
      .filter(({ length }) => length > 1 && length <= mostSetBytes),
  };
}
