import { limits } from "@sightline/contracts";
import {
  displayExpressions,
  displayFilters,
  type FfmpegProgram,
  FfmpegRun,
  type MaskPolygon,
  type Orientation,
  privacyFilters,
} from "@sightline/media";
import type { Decodable } from "@sightline/recording";
import { frameArguments, ivfFrameHead, ivfHead } from "@sightline/rtsp";
import { IngestError } from "../errors.ts";
import type { EncodedPicture } from "./encode-picture.ts";

export interface DecodeOptions extends PictureLook {
  /** Deinterlace: make one picture of two fields. */
  interlaced: boolean;
  /** 1 to 100. */
  quality: number;
  /** Ends the decoder when the requester stops waiting. */
  signal: AbortSignal;
}

/**
 * The last of these pictures as JPEG, as displayed and in the camera's own resolution, made by an ffmpeg process that runs
 * only for it.
 * @throws IngestError picture_undecodable
 */
export async function decodePicture(
  { codec, pictures, parameterSets }: Decodable,
  ffmpeg: FfmpegProgram,
  { interlaced, quality, signal, ...look }: DecodeOptions,
): Promise<EncodedPicture> {
  // The decoder gives pictures in display order, each with the time it was given.
  const shown = pictures.map(({ ptsUs }) => ptsUs).sort((a, b) => a - b);
  const ranks = new Map(shown.map((ptsUs, i) => [ptsUs, i]));
  const rank = (ptsUs: number) => ranks.get(ptsUs)!;
  const wanted = rank(pictures.at(-1)!.ptsUs);
  const filters = [
    // Deinterlacing needs the pictures next to it.
    interlaced ? `select='between(pts,${wanted - 1},${wanted + 1})'` : `select='eq(pts,${wanted})'`,
    ...uprightWholeFilters(interlaced, look),
    ...(interlaced && wanted > 0 ? ["select='eq(n,1)'"] : []),
    ...jpegFilters(look),
  ];
  const args = [
    "-noautorotate",
    ...frameArguments(codec),
    ...["-map", "0:v:0", "-vf", filters.join(","), "-frames:v", "1", "-fps_mode", "passthrough"],
    ...[
      "-c:v",
      "mjpeg",
      "-q:v",
      String(qualityScale(quality)),
      "-f",
      "image2pipe",
      "-threads",
      "1",
      "pipe:1",
    ],
  ];
  const run = new FfmpegRun(ffmpeg, args, { pipes: ["stdin", "stdout"], signal });
  run.stdin.write(ivfHead(codec, 1000));
  for (const [i, { data, ptsUs }] of pictures.entries()) {
    const bytes = i === 0 ? parameterSets.byteLength + data.byteLength : data.byteLength;
    run.stdin.write(ivfFrameHead(bytes, rank(ptsUs)));
    if (i === 0) run.stdin.write(parameterSets);
    run.stdin.write(data);
  }
  run.stdin.end();
  const { data, words, notRun } = await run.output();
  signal.throwIfAborted();
  if (notRun) throw notRun;
  const found = jpegSize(data);
  if (data.byteLength > limits.maxPictureBytes)
    throw new IngestError(
      "picture_undecodable",
      `it has ${data.byteLength} bytes, more than ${limits.maxPictureBytes}`,
    );
  if (!found)
    throw new IngestError("picture_undecodable", words.trim().split("\n").at(-1) || "ffmpeg gave no picture");
  return { data, ...found };
}

/** Reads a JPEG's size from its frame header; undefined when it is not a JPEG or is incomplete. */
function jpegSize(jpeg: Buffer): { width: number; height: number } | undefined {
  if (jpeg.length < 4 || jpeg.readUInt16BE(jpeg.length - 2) !== 0xffd9) return undefined;
  for (let at = 2; at + 9 < jpeg.length && jpeg[at] === 0xff; at += 2 + jpeg.readUInt16BE(at + 2)) {
    const marker = jpeg[at + 1]!;
    if (marker >= 0xc0 && marker <= 0xc2)
      return { height: jpeg.readUInt16BE(at + 5), width: jpeg.readUInt16BE(at + 7) };
  }
  return undefined;
}

/** How a decoded picture is processed. */
interface PictureLook {
  /** How it is turned to be upright. */
  orientation: Orientation;
  /** Areas that nobody may see. */
  masks: readonly MaskPolygon[];
  /** Largest width, in pixels. */
  maxWidth: number | undefined;
}

/**
 * Filters that deinterlace decoded pictures and turn them upright; they come first because they may need the pictures next
 * to the wanted one.
 */
export function uprightWholeFilters(interlaced: boolean, { orientation }: PictureLook): string[] {
  return displayFilters({ interlaced, orientation });
}

/**
 * The filters that follow: masked areas black, square pixels, at most the requested width, and the colours of a JPEG (JFIF:
 * BT.601, full range).
 */
export function jpegFilters({ masks, maxWidth }: PictureLook): string[] {
  const { width, height } = displayExpressions;
  const most = maxWidth === undefined ? width : `min(${Math.round(maxWidth)},${width})`;
  const size = `w='${most}':h='2*round(ow*${height}/${width}/2)'`;
  return [
    ...privacyFilters(masks),
    `scale=${size}:out_range=full:out_color_matrix=bt601`,
    ...["setsar=1", "format=yuvj420p"],
  ];
}

/** Scale of FFmpeg's encoder, 2 (best) to 31, for a quality of 1 to 100. */
export function qualityScale(quality: number): number {
  return Math.round(2 + (29 * (100 - quality)) / 100 / 2);
}
