import { displayFilters, type FfmpegProgram, FfmpegRun, privacyFilters } from "@sightline/media";
import type { CodedPicture, RecordedCodec } from "@sightline/recording";
import { frameArguments, ivfFrameHead, ivfHead } from "@sightline/rtsp";
import { BoundedMap, redact } from "@sightline/service";
import type { PictureShape } from "../pictures/pictures.ts";
import { FlvReader } from "./flv-reader.ts";

/**
 * Times of encoded pictures are in units of this many microseconds; FLV and IVF count them as if they were milliseconds.
 */
const unitUs = 100;
/** Seconds of the stream between two key pictures. */
const keySeconds = 2;
const unitsPerSecond = 1e6 / unitUs;
/** Pictures that are displayed before the first one may come after it. */
const firstTime = 10 * unitsPerSecond;
/** Largest stream time in one run: a larger one would not fit, or the time has jumped. */
const mostTime = 24 * 3600 * unitsPerSecond;
const mostJump = 60 * unitsPerSecond;
/** Most bytes that wait for a slow encoder; above this, pictures are left out up to the next key picture. */
const mostWaitingBytes = 8 * 1024 * 1024;
/** Room for pictures that ffmpeg holds for reordering, and for those that cannot be decoded. */
const mostPending = 600;

export interface MaskedEncoderOptions {
  ffmpeg: FfmpegProgram;
  codec: RecordedCodec;
  shape: PictureShape;
  /** Takes each picture: H.264, masked and upright, with the time of the camera's own picture. */
  emit: (picture: CodedPicture) => void;
  /** This many pictures were left out because encoding is too slow. */
  dropped: (pictures: number) => void;
  /** The encoder has stopped: with ffmpeg's output, or undefined when the stream's time has jumped. */
  ended: (why: string | undefined) => void;
}

/** An ffmpeg that decodes a camera's video, makes the masked areas black, and re-encodes it as H.264 without B-frames. */
export class MaskedEncoder {
  readonly #options: MaskedEncoderOptions;
  readonly #run: FfmpegRun;
  readonly #pending = new BoundedMap<number, CodedPicture>(mostPending);
  #origin: number | undefined;
  #latest = firstTime;
  #skipping = true;
  #stopped = false;

  constructor(options: MaskedEncoderOptions) {
    this.#options = options;
    const { ffmpeg, codec, shape } = options;
    this.#run = new FfmpegRun(ffmpeg, encoderArguments(codec, shape), { pipes: ["stdin", "stdout"] });
    const reader = new FlvReader(({ data, key, time }) => this.#encoded(data, key, time));
    this.#run.stdout.on("data", (chunk: Buffer) => {
      if (!this.#stopped) reader.write(chunk);
    });
    void this.#run.ended.then(({ words, notRun }) => this.#end(notRun?.message ?? lastOf(words)));
    this.#run.stdin.write(ivfHead(codec, 1000));
  }

  /** Takes the camera's next picture. The caller must not change it afterwards. */
  push(picture: CodedPicture): void {
    if (this.#stopped) return;
    const { stdin } = this.#run;
    this.#skipping = stdin.writableLength > mostWaitingBytes || (this.#skipping && !picture.key);
    if (this.#skipping) {
      this.#options.dropped(1);
      return;
    }
    this.#origin ??= picture.ptsUs;
    let time = firstTime + Math.round((picture.ptsUs - this.#origin) / unitUs);
    if (time < 0 || time > mostTime || Math.abs(time - this.#latest) > mostJump) {
      this.#end(undefined);
      return;
    }
    // Where the camera's time stands still, its pictures are about a microsecond apart.
    while (this.#pending.has(time)) time += 1;
    this.#latest = Math.max(this.#latest, time);
    this.#pending.set(time, picture);
    stdin.cork();
    stdin.write(ivfFrameHead(picture.data.byteLength, time));
    stdin.write(picture.data);
    stdin.uncork();
  }

  /** Ends it; nothing is emitted after this. */
  stop(): void {
    this.#stopped = true;
    this.#run.kill();
  }

  #encoded(data: Buffer, key: boolean, time: number): void {
    const source = this.#pending.get(time);
    if (!source) return;
    this.#pending.delete(time);
    const { ptsUs, arrivedAt, captureMs } = source;
    this.#options.emit({ data, key, orientation: key ? 1 : undefined, ptsUs, arrivedAt, captureMs });
  }

  #end(why: string | undefined): void {
    if (this.#stopped) return;
    this.stop();
    this.#options.ended(why);
  }
}

function lastOf(words: string): string {
  return redact(words.trim().split("\n").at(-1) || "ffmpeg ended");
}

function encoderArguments(codec: RecordedCodec, { interlaced, orientation, masks }: PictureShape): string[] {
  const filters = [
    ...displayFilters({ interlaced, orientation }),
    ...privacyFilters(masks),
    // The encoder takes even sizes only.
    "format=yuv420p",
    "pad=w='ceil(iw/2)*2':h='ceil(ih/2)*2'",
  ];
  return [
    ...["-noautorotate", ...frameArguments(codec), "-loglevel", "error"],
    ...["-map", "0:v:0", "-vf", filters.join(","), "-fps_mode", "passthrough", "-enc_time_base", "1:1000"],
    ...["-c:v", "libx264", "-preset", "superfast", "-tune", "zerolatency", "-crf", "23", "-threads", "2"],
    // In ffmpeg's view, time runs ten times slower.
    ...["-g", "600", "-force_key_frames", `expr:gte(t,n_forced*${(keySeconds * unitsPerSecond) / 1000})`],
    ...[
      "-map_metadata",
      "-1",
      "-flvflags",
      "no_duration_filesize",
      "-flush_packets",
      "1",
      "-f",
      "flv",
      "pipe:1",
    ],
  ];
}
