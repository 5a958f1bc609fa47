import { supplementalMessages } from "@sightline/media";

/** Codecs whose streams are made of NAL units. */
export type NalCodec = "H264" | "H265";

/** What a NAL unit is to the picture that it stands in. */
export interface NalKind {
  /** A piece of a coded picture. */
  picture: boolean;
  /** The first piece of its picture. */
  first: boolean;
  /** A decoder can begin at its picture. */
  key: boolean;
  /** Stands before the pieces of a picture, never between or behind them. */
  precedes: boolean;
  /** Parameters of a sequence (SPS), without which nothing can be decoded. */
  parameters: boolean;
  /** Says of its picture what decoding does not need (SEI). */
  supplemental: boolean;
}

/** `header` has the unit's header, `body` begins with what follows it (H.264, 7.4.1; H.265, 7.4.2.2). */
export function nalKind(codec: NalCodec, header: Buffer, body: Buffer): NalKind {
  // first_mb_in_slice is 0, or first_slice_segment_in_pic_flag is set: both are the first bit.
  const first = ((body[0] ?? 0) & 0x80) !== 0;
  if (codec === "H264") {
    const type = header[0]! & 0x1f;
    const picture = type >= 1 && type <= 5;
    // Pieces 3 and 4 belong to a slice that began before.
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
