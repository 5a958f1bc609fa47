import type { PrivacySettings } from "@sightline/contracts";
import type { FfmpegProgram } from "@sightline/media";
import {
  type CodedPicture,
  type CodedSound,
  isRecordedCodec,
  type ParameterSets,
  parameterSetsOf,
  type RecordedCodec,
} from "@sightline/recording";
import type { StreamSound } from "@sightline/rtsp";
import type { Logger } from "@sightline/service";
import type { CameraVideo } from "../live-video/camera-video.ts";
import type { PictureShape } from "../pictures/pictures.ts";
import type { CameraRecorder } from "../recording/camera-recorder.ts";
import { MaskedEncoder } from "./masked-encoder.ts";

/** A failed encoder is started again after this long. */
const retryMs = 5_000;
/** An encoder that nobody needs is kept for this long. */
const idleMs = 10_000;

export interface OutletParts {
  ffmpeg: FfmpegProgram;
  /** The camera's own pictures since the newest key picture, including the one that is pushed. */
  recent: () => readonly CodedPicture[];
  recorder: CameraRecorder;
  video: CameraVideo;
  log: Logger;
}

const withheld = "the camera has privacy masks, and its masked video is set to 'off'";

const maskedSound = "the camera has privacy masks, and masked video is re-encoded without sound";

/**
 * The only path on which a camera's compressed video reaches files and viewers. If the camera has privacy masks, the video
 * is re-encoded with the masks while somebody wants it, or it is withheld: what the masks hide never passes.
 */
export class VideoOutlet {
  readonly #parts: OutletParts;
  #sets: ParameterSets | undefined;
  #stream: { codec: string; shape: PictureShape; privacy: PrivacySettings | undefined } | undefined;
  #encoder: MaskedEncoder | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #wantedAt = 0;
  /** Masked pictures since the newest key picture. */
  #newest: CodedPicture[] = [];

  constructor(parts: OutletParts) {
    this.#parts = parts;
  }

  /** Pictures that may be seen, since the newest key picture. */
  get newest(): readonly CodedPicture[] {
    return this.#stream?.privacy ? this.#newest : this.#parts.recent();
  }

  /** A connection begins whose video has this codec (its SDP name); `sound` is the sound that comes with it. */
  connected(
    codec: string,
    shape: PictureShape,
    privacy: PrivacySettings | undefined,
    sound?: StreamSound,
  ): void {
    const { recorder, video } = this.#parts;
    this.#forget();
    this.#stream = { codec, shape, privacy };
    const shown = privacy && isRecordedCodec(codec) ? "H264" : codec;
    const why = privacy?.video === "off" ? withheld : undefined;
    recorder.connected(shown, {
      ...(why !== undefined && { withheld: why }),
      ...(privacy ? { sound: { fault: maskedSound } } : sound && { sound }),
    });
    video.connected(shown, why);
  }

  /** Takes a picture of the connection. The caller must not change it afterwards. */
  push(picture: CodedPicture): void {
    if (!this.#stream) return;
    const { codec, shape, privacy } = this.#stream;
    const { recorder, video } = this.#parts;
    if (!privacy) {
      recorder.push(picture);
      video.arrived(picture);
      return;
    }
    if (privacy.video === "off" || !isRecordedCodec(codec)) return;
    const now = performance.now();
    if (recorder.wanted || video.viewers > 0) this.#wantedAt = now;
    // An encoder takes pictures of only one size.
    const before = this.#sets;
    if (picture.key) this.#sets = parameterSetsOf(codec, picture.data, before);
    if (this.#sets !== before || now - this.#wantedAt > idleMs) this.#stopEncoder();
    if (this.#encoder) this.#encoder.push(picture);
    else if (this.#wantedAt === now && now - this.#failedAt > retryMs) this.#startEncoder(codec, shape);
  }

  /**
   * Takes a sound frame of the connection. Sound may reveal what the masks hide, so the sound of a masked camera is not
   * kept.
   */
  pushSound(sound: CodedSound): void {
    if (this.#stream && !this.#stream.privacy) this.#parts.recorder.pushSound(sound);
  }

  #startEncoder(codec: RecordedCodec, shape: PictureShape): void {
    const { ffmpeg, recorder, recent } = this.#parts;
    const pictures = recent();
    if (pictures.length === 0) return;
    const encoder: MaskedEncoder = new MaskedEncoder({
      ...{ ffmpeg, codec, shape },
      emit: (masked) => this.#give(masked),
      dropped: (count) => recorder.leftOut(count),
      ended: (why) => this.#ended(encoder, why),
    });
    this.#encoder = encoder;
    for (const picture of pictures) encoder.push(picture);
  }

  /** The connection has ended, or the settings have changed: nothing of it is passed on any more. */
  disconnected(): void {
    this.#forget();
    this.#stream = undefined;
    this.#parts.recorder.disconnected();
  }

  #give(picture: CodedPicture): void {
    if (picture.key) this.#newest = [];
    this.#newest.push(picture);
    this.#parts.recorder.push(picture);
    this.#parts.video.arrived(picture);
  }

  #ended(encoder: MaskedEncoder, why: string | undefined): void {
    if (this.#encoder !== encoder) return;
    this.#encoder = undefined;
    if (why === undefined) return;
    this.#failedAt = performance.now();
    this.#parts.log.warn({ ffmpeg: why }, "masked video cannot be encoded; there is no video until it can");
  }

  #stopEncoder(): void {
    this.#encoder?.stop();
    this.#encoder = undefined;
  }

  #forget(): void {
    this.#stopEncoder();
    this.#newest = [];
    this.#sets = undefined;
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }
}
