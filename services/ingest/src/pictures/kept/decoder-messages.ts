import type { RecordedCodec } from "@sightline/recording";

/** A compressed picture as the decoding process gets it. */
export interface SentPicture {
  data: Uint8Array;
  /** Different for each picture of a connection. */
  ptsUs: number;
  /** Grows in the order of decoding. */
  arrivedAt: number;
}

/** Asks the decoding process for the last of these pictures as JPEG. */
export interface DecodeRequest {
  id: number;
  /** The connection of the pictures: those of one connection form one sequence. */
  stream: number;
  codec: RecordedCodec;
  /** Sent before the first picture, with start codes. */
  parameterSets: Uint8Array;
  /** From a key picture on, in decoding order. */
  pictures: readonly SentPicture[];
  /** Filters for the decoded picture, in libavfilter's syntax. */
  filters: string;
  /** Scale of FFmpeg's JPEG encoder, 2 (best) to 31. */
  qualityScale: number;
}

/** Messages of the decoding process: that it is ready, and the outcome of a request. */
export type DecoderMessage =
  | { ready: true }
  | {
      id: number;
      jpeg: Uint8Array;
      width: number;
      height: number;
      /** Pictures that were decoded for it. */
      decoded: number;
      /** Processor time that was used, in milliseconds. */
      cpuMs: number;
    }
  | { id: number; failure: string };
