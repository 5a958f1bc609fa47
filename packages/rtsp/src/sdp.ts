import { h264Size } from "./h264-size.ts";

/** The first video stream that a session description offers. */
export interface SdpVideo {
  /** RTP encoding name in upper case: H264, H265, JPEG, … (RFC 8866 rtpmap; static types of RFC 3551). */
  codec: string;
  /** Pixels; undefined when the description does not tell. */
  width: number | undefined;
  height: number | undefined;
  framesPerSecond: number | undefined;
}

const staticPayloads: Readonly<Record<string, string>> = {
  "26": "JPEG",
  "28": "NV",
  "31": "H261",
  "32": "MPV",
  "33": "MP2T",
  "34": "H263",
};

/** Reads a session description (RFC 8866); undefined when it offers no video. */
export function parseSdp(text: string): SdpVideo | undefined {
  const lines = text.split(/\r?\n/);
  const start = lines.findIndex((line) => line.startsWith("m=video "));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("m="));
  const media = lines.slice(start, length < 0 ? undefined : start + 1 + length);
  const payload = media[0]?.split(" ")[3] ?? "";
  const attribute = (name: string) =>
    media
      .find((line) => line.startsWith(`a=${name}:`))
      ?.slice(name.length + 3)
      .trim();
  const forPayload = (name: string) =>
    media.find((line) => line.startsWith(`a=${name}:${payload} `))?.slice(`a=${name}:${payload} `.length);
  const codec = (forPayload("rtpmap")?.split("/")[0] ?? staticPayloads[payload] ?? "unknown")
    .trim()
    .toUpperCase();
  const rate = Number(attribute("framerate"));
  return {
    codec,
    ...(sizeOf(codec, forPayload("fmtp")) ?? sizeAttribute(attribute("x-dimensions"))),
    framesPerSecond: Number.isFinite(rate) && rate > 0 ? rate : undefined,
  };
}

function sizeOf(
  codec: string,
  parameters: string | undefined,
): { width: number; height: number } | undefined {
  if (codec !== "H264" || parameters === undefined) return undefined;
  const sets = /sprop-parameter-sets=([^;\s]+)/.exec(parameters)?.[1];
  const sps = sets?.split(",")[0];
  return sps === undefined ? undefined : h264Size(Buffer.from(sps, "base64"));
}

function sizeAttribute(value: string | undefined): { width: number | undefined; height: number | undefined } {
  const [width, height] =
    /^(\d+)\s*,\s*(\d+)/
      .exec(value ?? "")
      ?.slice(1)
      .map(Number) ?? [];
  return { width, height };
}
