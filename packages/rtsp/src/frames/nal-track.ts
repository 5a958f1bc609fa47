import { parametersOf, type SdpTrack } from "../session/sdp.ts";
import type { NalCodec } from "./nal-kind.ts";

/** What the description of a track says of its NAL units. */
export interface NalTrack {
  codec: NalCodec;
  /** RTP timestamps count in this unit. */
  ticksPerSecond: number;
  parameterSets: readonly Buffer[];
}

const usualClock = 90_000;
/** More than any parameter set. */
const mostSetBytes = 4096;

/** Undefined for other codecs, and for tracks that send units out of their order. */
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
