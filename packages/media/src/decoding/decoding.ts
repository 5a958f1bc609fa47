/** What may be asked for: a decoder, or `auto`, the fastest that the machine and the codec allow. */
export const decodeChoices = ["auto", "cuda", "vaapi", "software"] as const;
export type DecodeChoice = (typeof decodeChoices)[number];

/** What decodes: NVIDIA's NVDEC by way of CUDA, a GPU by way of VA-API, or the processor. */
export type Decoder = Exclude<DecodeChoice, "auto">;
export type HardwareDecoder = Exclude<Decoder, "software">;

/** The decoder for a stream. */
export interface Decoding {
  readonly decoder: Decoder;
  /** The GPU's device file, where there are several and one must be named. */
  readonly device?: string;
  /** ffmpeg's filter that makes whole pictures of fields on the GPU. */
  readonly deinterlacer?: string;
  /** Why it is not the one that was asked for, or a faster one; empty when it is. Holds no secret. */
  readonly note: string;
}
