import { displayFilters } from "../display.ts";

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

/** Expressions for the size that a picture is scaled to. */
export interface ScaledSize {
  readonly width: string;
  readonly height: string;
}

/** ffmpeg's options for its input that make this decoder decode it; none for software. */
export function decodingInput({ decoder, device }: Decoding): string[] {
  if (decoder === "software") return [];
  return [
    ...["-hwaccel", decoder, "-hwaccel_output_format", decoder],
    ...(device ? ["-hwaccel_device", device] : []),
    // The filters hold some of the decoder's own pictures.
    ...["-extra_hw_frames", "4"],
  ];
}

/** The filters that make whole pictures of fields, where the pictures are: as `displayFilters`, but on the GPU. */
export function deinterlaceFilters(decoding: Decoding, interlaced: boolean): string[] {
  const { decoder, deinterlacer } = decoding;
  if (decoder === "software") return displayFilters({ interlaced });
  if (!interlaced || deinterlacer === undefined) return [];
  const options = decoder === "vaapi" ? "rate=frame:auto=1" : "mode=send_frame:deint=interlaced";
  return [`${deinterlacer}=${options}`];
}

/**
 * The filters that scale on the GPU and bring the small picture into memory, its pixels square; none for software.
 * CUDA gives 4:4:4: of 4:2:0 with an odd number of lines ffmpeg downloads one line of colour too few.
 */
export function downloadFilters({ decoder }: Decoding, { width, height }: ScaledSize): string[] {
  if (decoder === "software") return [];
  const format = decoder === "cuda" ? "yuv444p" : "nv12";
  const quality = decoder === "cuda" ? ":interp_algo=bilinear" : "";
  const scale = `scale_${decoder}=w='${width}':h='${height}':format=${format}${quality}`;
  return [scale, "hwdownload", `format=${format}`, "setsar=1"];
}
