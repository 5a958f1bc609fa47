import {
  CameraState,
  RecordingMode as Mode,
  type RecordingStatus,
  type RecordStreamStatus,
  toTimestamp,
} from "@sightline/contracts";
import { type CodedPicture, isRecordedCodec, type RecordedCodec, SegmentWriter } from "@sightline/recording";
import type { RecordingMode } from "./recording-policy.ts";
import type { Recordings } from "./recordings.ts";

const modes: Readonly<Record<RecordingMode, Mode>> = {
  off: Mode.OFF,
  events: Mode.EVENTS,
  continuous: Mode.CONTINUOUS,
};

/** Counts of a camera's recording. */
export interface RecordedCounts {
  pictures: number;
  bytes: number;
  /** Not recorded, since the disk was slow or full. */
  dropped: number;
}

/** Records one camera, over all its connections, as its mode says. */
export class CameraRecorder {
  readonly counts: RecordedCounts = { pictures: 0, bytes: 0, dropped: 0 };
  readonly #camera: string;
  readonly #recordings: Recordings;
  readonly #stream: () => RecordStreamStatus | undefined;
  #codec: string | undefined;
  /** Why the video may not be kept. */
  #withheld: string | undefined;
  #writer: SegmentWriter | undefined;
  #ending: Promise<void> = Promise.resolve();

  /** `stream`: how the stream fares that is recorded, where it is not the analysed one. */
  constructor(
    camera: string,
    recordings: Recordings,
    stream: () => RecordStreamStatus | undefined = () => undefined,
  ) {
    this.#camera = camera;
    this.#recordings = recordings;
    this.#stream = stream;
  }

  /** A connection begins whose video has this codec, as SDP calls it; `withheld` says why none of it is kept. */
  connected(codec: string, withheld?: string): void {
    this.disconnected();
    this.#codec = codec;
    this.#withheld = withheld;
  }

  /** Whether pictures are written as things are. */
  get wanted(): boolean {
    return this.#recordings.folder !== undefined && this.#mode() !== "off";
  }

  /** So many pictures could not be had, since the machine is too slow. */
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

  /** The connection has ended, or the settings are others. */
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
    if (stream?.state === CameraState.DOWN)
      return `the stream to be recorded gives no video: ${stream.message}`;
    if (this.#codec !== undefined && !isRecordedCodec(this.#codec))
      return `video of the codec ${this.#codec} cannot be recorded; set the camera to H.264 or H.265`;
    return this.#recordings.fault ?? "";
  }

  #newWriter(folder: NonNullable<Recordings["folder"]>, codec: RecordedCodec): SegmentWriter {
    const { counts } = this;
    return new SegmentWriter({
      ...{ camera: this.#camera, codec, folder },
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
