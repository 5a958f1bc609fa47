import { clipNalUnits, isParameterSet, nalType, type VideoClip } from "./video-clip.ts";

const mostPayload = 1300;

/** RTP payloads of one coded picture (RFC 6184 with FU-A, RFC 7798 with FU). */
export function rtpPayloads(codec: VideoClip["codec"], picture: Buffer): Buffer[] {
  return clipNalUnits(picture).flatMap((nal) => (nal.length <= mostPayload ? [nal] : fragments(codec, nal)));
}

function fragments(codec: VideoClip["codec"], nal: Buffer): Buffer[] {
  const head = codec === "H264" ? 1 : 2;
  const type = nalType(codec, nal);
  const pieces: Buffer[] = [];
  for (let at = head; at < nal.length; at += mostPayload) {
    const flags = (at === head ? 0x80 : 0) | (at + mostPayload >= nal.length ? 0x40 : 0);
    const indicator =
      codec === "H264"
        ? [(nal[0]! & 0xe0) | 28, flags | type]
        : [(nal[0]! & 0x81) | (49 << 1), nal[1]!, flags | type];
    pieces.push(Buffer.concat([Buffer.from(indicator), nal.subarray(at, at + mostPayload)]));
  }
  return pieces;
}

/** An RTP packet (RFC 3550, 5.1); payload type 96. */
export function rtpPacket(payload: Buffer, sequence: number, timestamp: number, marker: boolean): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt8(0x80, 0);
  head.writeUInt8((marker ? 0x80 : 0) | 96, 1);
  head.writeUInt16BE(sequence & 0xffff, 2);
  head.writeUInt32BE(timestamp >>> 0, 4);
  head.writeUInt32BE(0x1234, 8);
  return Buffer.concat([head, payload]);
}

/** The description of a clip as one `m=` section (RFC 8866) of payload type 96. */
export function describeTrack(clip: VideoClip, control: string): string {
  const sets = new Map<number, string>();
  for (const nal of clipNalUnits(clip.units[0]!.data))
    if (isParameterSet(clip.codec, nal)) sets.set(nalType(clip.codec, nal), nal.toString("base64"));
  const parameters =
    clip.codec === "H264"
      ? `packetization-mode=1;sprop-parameter-sets=${[...sets.values()].join(",")}`
      : `sprop-vps=${sets.get(32)};sprop-sps=${sets.get(33)};sprop-pps=${sets.get(34)}`;
  return [
    "m=video 0 RTP/AVP 96",
    `a=rtpmap:96 ${clip.codec}/90000`,
    `a=fmtp:96 ${parameters}`,
    `a=control:${control}`,
    "",
  ].join("\r\n");
}
