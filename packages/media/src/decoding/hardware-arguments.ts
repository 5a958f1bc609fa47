import { displayFilters } from "../display.ts";

/** What can be requested: a decoder, or `auto`, the fastest that the machine and the codec allow. */
export const decodeChoices = ["auto", "cuda", "vaapi", "software"] as const;
export type DecodeChoice = (typeof decodeChoices)[number];

/** What decodes: NVIDIA's NVDEC through CUDA, a GPU through VA-API, or the processor. */
export type Decoder = Exclude<DecodeChoice, "auto">;
export type HardwareDecoder = Exclude<Decoder, "software">;

/** The decoder for a stream. */
export interface Decoding {
  readonly decoder: Decoder;
  /** The GPU's device file, if there are several and one must be named. */
  readonly device?: string;
  /** ffmpeg's filter that deinterlaces on the GPU. */
  readonly deinterlacer?: string;
  /** Why it is not the requested or a faster decoder; otherwise empty. Holds no secret. */
  readonly note: string;
}

/** Expressions for the size that a picture is scaled to. */
export interface ScaledSize {
  readonly width: string;
  readonly height: string;
}

/** ffmpeg's input options that select this decoder; none for software. */
export function decodingInput({ decoder, device }: Decoding): string[] {
  if (decoder === "software") return [];
  return [
    ...["-hwaccel", decoder, "-hwaccel_output_format", decoder],
    ...(device ? ["-hwaccel_device", device] : []),
    // The filters keep some of the decoder's own frames.
    ...["-extra_hw_frames", "4"],
  ];
}

/** The filters that deinterlace where the pictures are: like `displayFilters`, but on the GPU. */
export function deinterlaceFilters(decoding: Decoding, interlaced: boolean): string[] {
  const { decoder, deinterlacer } = decoding;
  if (decoder === "software") return displayFilters({ interlaced });
  if (!interlaced || deinterlacer === undefined) return [];
  const options = decoder === "vaapi" ? "rate=frame:auto=1" : "mode=send_frame:deint=interlaced";
  return [`${deinterlacer}=${options}`];
}

/**
 * The filters that scale on the GPU and download the small picture into memory, with square pixels; none for software. CUDA delivers
 * 4:4:4, because ffmpeg downloads one line of colour too few for 4:2:0 with an odd number of lines.
 */
export function downloadFilters({ decoder }: Decoding, { width, height }: ScaledSize): string[] {
  if (decoder === "software") return [];
  const format = decoder === "cuda" ? "yuv444p" : "nv12";
  const quality = decoder === "cuda" ? ":interp_algo=bilinear" : "";
  const scale = `scale_${decoder}=w='${width}':h='${height}':format=${format}${quality}`;
  return [scale, "hwdownload", `format=${format}`, "setsar=1"];
}
