import type { AVPixelFormat } from "node-av/constants";
import { AV_CODEC_FLAG_QSCALE, AV_CODEC_ID_MJPEG, FF_QP2LAMBDA } from "node-av/constants";
import { Codec, CodecContext, FFmpegError, FilterGraph, Frame, Packet, Rational } from "node-av/lib";

/**
 * A frame as JPEG, after these filters.
 * @throws FFmpegError
 */
export async function frameJpeg(
  frame: Frame,
  filters: string,
  qualityScale: number,
): Promise<{ jpeg: Buffer; width: number; height: number }> {
  const shown = await filtered(frame, filters);
  try {
    const { width, height } = shown;
    return { jpeg: await encoded(shown, qualityScale), width, height };
  } finally {
    shown.free();
  }
}

async function filtered(frame: Frame, filters: string): Promise<Frame> {
  const { width, height, format, colorSpace, colorRange, sampleAspectRatio: aspect } = frame;
  const source = [
    `buffer@source=video_size=${width}x${height}:pix_fmt=${format}:time_base=1/1000000`,
    `pixel_aspect=${aspect.num}/${Math.max(1, aspect.den)}:colorspace=${colorSpace}:range=${colorRange}`,
  ].join(":");
  const graph = new FilterGraph();
  graph.alloc();
  try {
    graph.nbThreads = 1;
    FFmpegError.throwIfError(graph.parse2(`${source},${filters},buffersink@sink`), "filters");
    FFmpegError.throwIfError(await graph.config(), "filters");
    FFmpegError.throwIfError(await graph.getFilter("buffer@source")!.buffersrcAddFrame(frame), "filters");
    const shown = new Frame();
    shown.alloc();
    FFmpegError.throwIfError(await graph.getFilter("buffersink@sink")!.buffersinkGetFrame(shown), "filters");
    return shown;
  } finally {
    graph.free();
  }
}

async function encoded(frame: Frame, qualityScale: number): Promise<Buffer> {
  const codec = Codec.findEncoder(AV_CODEC_ID_MJPEG);
  if (!codec) throw new Error("this FFmpeg has no JPEG encoder");
  const context = new CodecContext();
  context.allocContext3(codec);
  const packet = new Packet();
  packet.alloc();
  try {
    context.width = frame.width;
    context.height = frame.height;
    context.pixelFormat = frame.format as AVPixelFormat;
    context.colorRange = frame.colorRange;
    context.timeBase = new Rational(1, 1_000_000);
    context.threadCount = 1;
    context.setFlags(AV_CODEC_FLAG_QSCALE);
    context.globalQuality = qualityScale * FF_QP2LAMBDA;
    frame.quality = context.globalQuality;
    FFmpegError.throwIfError(await context.open2(codec, null), "JPEG");
    FFmpegError.throwIfError(await context.sendFrame(frame), "JPEG");
    FFmpegError.throwIfError(await context.receivePacket(packet), "JPEG");
    return Buffer.from(packet.data!);
  } finally {
    packet.free();
    context.freeContext();
  }
}
