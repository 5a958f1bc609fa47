import { realpath } from "node:fs/promises";
import { resolve, sep } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { CameraReason } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import type { CameraAccess } from "../address/camera-networks.ts";
import type { CameraTarget } from "../address/camera-url.ts";
import { CameraFaultError, faultError } from "../camera-fault.ts";
import type { CodedFrame } from "../frames/frame-assembler.ts";
import { type Contents, contentsOf, Demuxer, demuxerTicksPerSecond } from "./demuxer.ts";
import type { PictureSource } from "./picture-source.ts";

/** Containers that are a single file: a playlist would refer to other files. */
const containers = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,h264,hevc,mjpeg,asf,ogg";

/** A file restarts no sooner than this, however short it is. */
const leastRoundMs = 1_000;

/** A file that is played in a loop in real time, as if it were a camera. */
export class FileSource implements PictureSource {
  readonly codec;
  readonly ticksPerSecond = demuxerTicksPerSecond;
  readonly offer;
  readonly ended: Promise<CameraFaultError | undefined>;
  onPicture: ((picture: CodedFrame) => void) | undefined;
  readonly #end = Promise.withResolvers<CameraFaultError | undefined>();
  readonly #demuxers: (emit: (picture: CodedFrame) => void) => Demuxer;
  readonly #stopping = new AbortController();
  #demuxer: Demuxer | undefined;
  /** The stream's time continues over the loops: this is the picture that is shown last, and its arrival by performance.now(). */
  #last: { ticks: number; at: number } | undefined;

  private constructor(
    { codec, offer }: Contents,
    demuxers: (emit: (picture: CodedFrame) => void) => Demuxer,
  ) {
    this.codec = codec;
    this.offer = offer;
    this.ended = this.#end.promise;
    this.#demuxers = demuxers;
  }

  /** @throws CameraFaultError when the file may not be played, does not exist, or has no video that can be played */
  static async open(
    target: CameraTarget,
    { ffmpeg, access, videoTrack }: { ffmpeg: FfmpegProgram; access: CameraAccess; videoTrack: number },
    signal: AbortSignal,
  ): Promise<FileSource> {
    const path = await allowedPath(target, access.files);
    const input = ["-protocol_whitelist", "file", "-format_whitelist", containers, "-i", `file:${path}`];
    const contents = await contentsOf(ffmpeg, input, videoTrack, signal);
    const { codec } = contents;
    return new FileSource(contents, (emit) => new Demuxer(ffmpeg, input, { codec, videoTrack }, emit));
  }

  play(): void {
    void this.#rounds().then((fault) => this.#end.resolve(fault));
  }

  pause(): void {
    this.#demuxer?.pause();
  }

  resume(): void {
    this.#demuxer?.resume();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#demuxer?.stop();
    this.#end.resolve(undefined);
  }

  /** One ffmpeg per loop: ffmpeg's own looping cannot extract NAL units from their container more than once. */
  async #rounds(): Promise<CameraFaultError | undefined> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const begun = performance.now();
      let origin: number | undefined;
      const demuxer = this.#demuxers((picture) => {
        origin ??= this.#last
          ? this.#last.ticks + ((picture.arrivedAt - this.#last.at) / 1000) * demuxerTicksPerSecond
          : 0;
        const ticks = Math.round(origin + picture.ticks);
        if (ticks >= (this.#last?.ticks ?? 0)) this.#last = { ticks, at: picture.arrivedAt };
        this.onPicture?.({ ...picture, ticks });
      });
      this.#demuxer = demuxer;
      const fault = await demuxer.ended;
      if (fault) return fault;
      if (origin === undefined && !signal.aborted)
        return faultError(CameraReason.DECODE_FAILURE, "the file has no picture that can be played");
      await delay(Math.max(0, begun + leastRoundMs - performance.now()), undefined, { signal }).catch(
        () => undefined,
      );
    }
    return undefined;
  }
}

/**
 * The file's real path, with links followed, if it lies in `folder`. For a file elsewhere the answer does not reveal whether it exists.
 */
async function allowedPath({ uri }: CameraTarget, folder: string | undefined): Promise<string> {
  const refused = (message: string) =>
    new CameraFaultError({ reason: CameraReason.ADDRESS_NOT_ALLOWED, message });
  if (folder === undefined)
    throw refused(
      "files may not be used as cameras here; to allow it, set SIGHTLINE_SOURCE_FILES to the folder with the files",
    );
  const outside = refused("the file does not lie in the folder of SIGHTLINE_SOURCE_FILES");
  const root = await realpath(folder).catch(() => {
    throw refused("the folder of SIGHTLINE_SOURCE_FILES cannot be read");
  });
  const within = (path: string, top: string) => path.startsWith(top.endsWith(sep) ? top : top + sep);
  let path: string;
  try {
    path = fileURLToPath(uri);
  } catch {
    throw outside;
  }
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined && within(real, root)) return real;
  if (real === undefined && (within(path, root) || within(path, resolve(folder))))
    throw new CameraFaultError({
      reason: CameraReason.NOT_FOUND,
      message: "there is no such file in the folder of SIGHTLINE_SOURCE_FILES",
    });
  throw outside;
}
