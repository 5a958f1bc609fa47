import {
  CameraState,
  RecordingMode as Mode,
  type RecordingStatus,
  type RecordStreamStatus,
  toTimestamp,
} from "@sightline/contracts";
import {
  type CodedPicture,
  type CodedSound,
  isRecordedCodec,
  type RecordedCodec,
  SegmentWriter,
} from "@sightline/recording";
import type { StreamSound } from "@sightline/rtsp";
import type { RecordingMode, RecordingsOnDisk } from "./recordings.ts";

const modes: Readonly<Record<RecordingMode, Mode>> = {
  off: Mode.OFF,
  events: Mode.EVENTS,
  continuous: Mode.CONTINUOUS,
};

/** Sound that has not come for this long has stopped. */
const quietMs = 5_000;

/** Counters of a camera's recording. */
export interface RecordedCounts {
  pictures: number;
  bytes: number;
  /** Pictures that were not recorded because the disk was slow or full. */
  dropped: number;
}

/** Records one camera, over all its connections, according to its mode. */
export class CameraRecorder {
  readonly counts: RecordedCounts = { pictures: 0, bytes: 0, dropped: 0 };
  readonly #camera: string;
  readonly #recordings: RecordingsOnDisk;
  readonly #stream: () => RecordStreamStatus | undefined;
  #codec: string | undefined;
  /** Why the video may not be kept. */
  #withheld: string | undefined;
  /** The connection's sound, or why it has none; undefined where sound was not requested. */
  #sound: StreamSound | undefined;
  /** When the connection's last sound came, by performance.now(); before the first, when the connection began. */
  #soundAt = 0;
  #writer: SegmentWriter | undefined;
  #ending: Promise<void> = Promise.resolve();

  /** `stream`: the state of the recorded stream, where it is not the analysed one. */
  constructor(
    camera: string,
    recordings: RecordingsOnDisk,
    stream: () => RecordStreamStatus | undefined = () => undefined,
  ) {
    this.#camera = camera;
    this.#recordings = recordings;
    this.#stream = stream;
  }

  /**
   * A connection begins whose video has this codec (its SDP name). `withheld` says why none of it is kept; `sound` is the
   * sound that comes with it.
   */
  connected(codec: string, { withheld, sound }: { withheld?: string; sound?: StreamSound } = {}): void {
    this.disconnected();
    this.#codec = codec;
    this.#withheld = withheld;
    this.#sound = sound;
    this.#soundAt = performance.now();
  }

  /** Whether pictures are written at present. */
  get wanted(): boolean {
    return this.#recordings.folder !== undefined && this.#mode() !== "off";
  }

  /** This many pictures are missing because the machine is too slow. */
  leftOut(pictures: number): void {
    if (this.wanted) this.counts.dropped += pictures;
  }

  /** Takes a picture of the connection. */
  push(picture: CodedPicture): void {
    if (this.#writer === undefined) {
      if (!picture.key || !isRecordedCodec(this.#codec)) return;
      const { folder } = this.#recordings;
      if (!folder || this.#mode() === "off") return;
      this.#writer = this.#newWriter(folder, this.#codec);
    }
    this.#writer.push(picture);
  }

  /** Takes a sound frame of the connection. */
  pushSound(sound: CodedSound): void {
    this.#soundAt = performance.now();
    this.#writer?.pushSound(sound);
  }

  /** The connection has ended, or the settings have changed. */
  disconnected(): void {
    const writer = this.#writer;
    this.#writer = undefined;
    if (writer) this.#ending = Promise.all([this.#ending, writer.stop()]).then(() => undefined);
  }

  async stop(): Promise<void> {
    this.disconnected();
    await this.#ending;
  }

  get status(): RecordingStatus {
    const { folder } = this.#recordings;
    const oldest = folder?.index.of(this.#camera)[0];
    return {
      mode: modes[this.#mode()],
      active: this.#writer !== undefined && this.#recordings.fault === undefined,
      message: this.#message(),
      soundMessage: this.#soundMessage(),
      bytes: folder?.index.bytesOf(this.#camera) ?? 0,
      oldestTime: oldest && toTimestamp(oldest.fromMs),
      stream: this.#stream(),
    };
  }

  #mode(): RecordingMode {
    return this.#recordings.policyOf(this.#camera).mode;
  }

  #message(): string {
    if (this.#mode() === "off") return "";
    if (this.#withheld !== undefined) return `${this.#withheld}: nothing is recorded`;
    const stream = this.#stream();
    if (stream?.state === CameraState.DOWN) return `the recorded stream gives no video: ${stream.message}`;
    if (this.#codec !== undefined && !isRecordedCodec(this.#codec))
      return `video of the codec ${this.#codec} cannot be recorded; set the camera to H.264 or H.265`;
    return this.#recordings.fault ?? "";
  }

  #soundMessage(): string {
    const sound = this.#sound;
    const isWanted = this.#recordings.options.settingsOf(this.#camera)?.audio === true;
    if (sound === undefined || !isWanted || this.#mode() === "off") return "";
    if ("fault" in sound) return `${sound.fault}; only video is recorded`;
    if (this.#writer !== undefined && performance.now() - this.#soundAt > quietMs)
      return "no sound arrives, although the camera offers it; only video is recorded";
    return "";
  }

  #newWriter(folder: NonNullable<RecordingsOnDisk["folder"]>, codec: RecordedCodec): SegmentWriter {
    const { counts } = this;
    return new SegmentWriter({
      ...{ camera: this.#camera, codec, folder },
      sound: this.#sound && "config" in this.#sound ? this.#sound.config : undefined,
      kind: () => (this.#mode() === "continuous" ? "continuous" : "pending"),
      mayWrite: () => this.#recordings.fault === undefined,
      onFault: (error) => this.#recordings.failed(error),
      onDropped: (pictures) => {
        counts.dropped += pictures;
      },
      onWritten: (pictures, bytes) => {
        counts.pictures += pictures;
        counts.bytes += bytes;
      },
    });
  }
}
