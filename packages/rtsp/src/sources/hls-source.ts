import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Writable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { CameraReason } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import type { types } from "hls-parser";
import type { CameraAccess } from "../address/camera-networks.ts";
import type { CameraTarget } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import type { CodedFrame } from "../frames/frame-assembler.ts";
import { type Contents, contentsOf, Demuxer, demuxerTicksPerSecond } from "./demuxer.ts";
import { readBody, readPlaylist } from "./hls-playlist.ts";
import { type HttpAnswer, requestHttp, resolveHttp } from "./http-request.ts";
import type { PictureSource } from "./picture-source.ts";

/** More than some seconds of any camera. */
const mostSegmentBytes = 64 * 1024 * 1024;
const input = ["-protocol_whitelist", "pipe", "-format_whitelist", "mpegts,mov,mp4", "-i", "pipe:0"];
/** For a single request. */
const requestMs = 8_000;
/**
 * Shortest wait before the playlist is read again. A playlist that gets no new segments for several times their length is a stopped
 * stream, which is noticed by the silence.
 */
const leastReloadMs = 300;

export interface HlsOptions {
  ffmpeg: FfmpegProgram;
  access: CameraAccess;
  /** The HLS variant, from 1; 0 takes the first. */
  variant: number;
}

type Segment = types.Segment;

/**
 * HTTP Live Streaming (RFC 8216): we fetch the playlist and the segments; an ffmpeg without network access demuxes them and gives their
 * pictures in real time. A live stream starts with its newest segment.
 */
export class HlsSource implements PictureSource {
  readonly codec;
  readonly ticksPerSecond = demuxerTicksPerSecond;
  readonly offer;
  readonly ended: Promise<CameraFaultError | undefined>;
  onPicture: ((picture: CodedFrame) => void) | undefined;
  readonly #end = Promise.withResolvers<CameraFaultError | undefined>();
  readonly #stopping = new AbortController();
  readonly #options: HlsOptions;
  readonly #target: CameraTarget;
  readonly #first: Segment;
  readonly #bytes: Buffer;
  #playlist: types.MediaPlaylist;
  #demuxer: Demuxer | undefined;

  private constructor(
    options: HlsOptions,
    target: CameraTarget,
    playlist: types.MediaPlaylist,
    first: Segment,
    bytes: Buffer,
    { codec, offer }: Contents,
    variants: number,
  ) {
    this.#options = options;
    this.#target = target;
    this.#playlist = playlist;
    this.#first = first;
    this.#bytes = bytes;
    this.codec = codec;
    this.offer = { ...offer, videoTracks: variants };
    this.ended = this.#end.promise;
  }

  /** Reads the playlist in `answer`, and the segment that is played first. @throws CameraFaultError */
  static async open(answer: HttpAnswer, options: HlsOptions, signal: AbortSignal): Promise<HlsSource> {
    const { access, ffmpeg, variant } = options;
    let { target } = answer;
    let playlist = await readPlaylist(answer.body, signal);
    let variants = 1;
    if (playlist.isMasterPlaylist) {
      variants = playlist.variants.length;
      const chosen = playlist.variants[Math.max(1, variant) - 1];
      if (!chosen)
        throw faultError(
          CameraReason.NO_VIDEO,
          variants === 0 ? undefined : `variant ${variant} was requested, but it has ${variants}`,
        );
      const next = await requestHttp(resolveHttp(target, chosen.uri, access.redirects), access, signal);
      target = next.target;
      playlist = await readPlaylist(next.body, signal);
      if (playlist.isMasterPlaylist)
        throw faultError(CameraReason.PROTOCOL_ERROR, "its HLS playlists name only each other");
    }
    const first = playlist.endlist ? playlist.segments[0] : playlist.segments.at(-1);
    if (!first) throw faultError(CameraReason.STALLED, "its HLS playlist has no segment yet");
    const parts = [...(first.map ? [first.map.uri] : []), first.uri];
    const bytes: Buffer[] = [];
    for (const uri of parts) bytes.push(await fetchPart(target, uri, access, signal));
    const whole = Buffer.concat(bytes);
    const contents = await contentsOf(ffmpeg, input, 1, signal, whole);
    return new HlsSource(options, target, playlist, first, whole, contents, variants);
  }

  play(): void {
    const demuxer = new Demuxer(
      this.#options.ffmpeg,
      ["-analyzeduration", "1000000", ...input],
      { codec: this.codec, videoTrack: 1 },
      (picture) => this.onPicture?.(picture),
    );
    this.#demuxer = demuxer;
    void demuxer.ended.then((fault) => this.#finish(fault));
    this.#feed(demuxer.stdin).catch((error: unknown) => {
      if (this.#stopping.signal.aborted) return;
      if (!(error instanceof CameraFaultError)) throw error;
      this.#finish(error);
    });
  }

  pause(): void {
    this.#demuxer?.pause();
  }

  resume(): void {
    this.#demuxer?.resume();
  }

  async stop(): Promise<void> {
    this.#finish();
    await this.#demuxer?.stop();
  }

  async #feed(stdin: Writable): Promise<void> {
    const { access } = this.#options;
    const stopping = this.#stopping.signal;
    const write = async (bytes: Buffer) => {
      if (!stdin.write(bytes)) await once(stdin, "drain", { signal: stopping });
    };
    await write(this.#bytes);
    const map = this.#first.map?.uri;
    let next = this.#first.mediaSequenceNumber + 1;
    while (!stopping.aborted) {
      const waiting = this.#playlist.segments.filter((each) => each.mediaSequenceNumber >= next);
      for (const segment of waiting) {
        // A missing segment or a change of encoder starts a new stream.
        if (segment.mediaSequenceNumber !== next || segment.discontinuity || segment.map?.uri !== map)
          throw faultError(CameraReason.STREAM_ENDED, "its HLS stream was replaced by another");
        const signal = AbortSignal.any([stopping, AbortSignal.timeout(requestMs)]);
        await write(await fetchPart(this.#target, segment.uri, access, signal));
        next += 1;
      }
      if (this.#playlist.endlist) {
        stdin.end();
        return;
      }
      const pauseMs = (this.#playlist.targetDuration * 1000) / (waiting.length > 0 ? 1 : 2);
      await delay(Math.max(leastReloadMs, pauseMs), undefined, { signal: stopping });
      const signal = AbortSignal.any([stopping, AbortSignal.timeout(requestMs)]);
      const playlist = await readPlaylist((await requestHttp(this.#target, access, signal)).body, signal);
      if (playlist.isMasterPlaylist)
        throw faultError(CameraReason.PROTOCOL_ERROR, "its HLS playlist was replaced by a list of variants");
      // A restarted server counts from the beginning again.
      if ((playlist.segments.at(-1)?.mediaSequenceNumber ?? next) < next - 1)
        throw faultError(CameraReason.STREAM_ENDED, "its HLS stream was replaced by another");
      this.#playlist = playlist;
    }
  }

  #finish(fault?: CameraFaultError): void {
    this.#end.resolve(fault);
    this.#stopping.abort();
    void this.#demuxer?.stop();
  }
}

async function fetchPart(
  from: CameraTarget,
  uri: string,
  access: CameraAccess,
  signal: AbortSignal,
): Promise<Buffer> {
  const { body } = await requestHttp(resolveHttp(from, uri, access.redirects), access, signal);
  return readBody(body, mostSegmentBytes, signal);
}

/** Whether an answer is a playlist, judged by its type or its address. */
export function isPlaylist({ headers }: IncomingMessage, { uri }: CameraTarget): boolean {
  const type = headers["content-type"]?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (/^(?:application|audio)\/(?:vnd\.apple\.mpegurl|x-mpegurl|mpegurl)$/.test(type)) return true;
  return /\.m3u8$/i.test(new URL(uri).pathname);
}
