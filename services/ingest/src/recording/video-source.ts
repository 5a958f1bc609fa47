import { isDeepStrictEqual } from "node:util";
import type { PrivacySettings, RecordStreamStatus } from "@sightline/contracts";
import type { CodedPicture, CodedSound } from "@sightline/recording";
import type { StreamSound } from "@sightline/rtsp";
import type { IngestCamera, RecordSource } from "../camera-settings.ts";
import type { VideoOutlet } from "../masking/video-outlet.ts";
import type { PictureShape } from "../pictures/pictures.ts";
import { RecordedStream, type RecordedStreamParts } from "./recorded-stream.ts";

/** A connection of the analysed stream. */
interface Analysed {
  codec: string;
  shape: PictureShape;
  privacy: PrivacySettings | undefined;
  sound: StreamSound | undefined;
}

/** Which of a camera's streams is recorded and watched: the analysed one, or a separate one where the settings name it. */
export class VideoSource {
  readonly #outlet: VideoOutlet;
  readonly #parts: Omit<RecordedStreamParts, "outlet" | "privacy">;
  #analysed: Analysed | undefined;
  #source: RecordSource | undefined;
  #privacy: PrivacySettings | undefined;
  #stream: RecordedStream | undefined;
  /** Streams that are being ended. */
  #ending: Promise<unknown> = Promise.resolve();
  /** Whether the camera is being recorded and watched. */
  #open = false;

  constructor(
    outlet: VideoOutlet,
    settings: IngestCamera,
    parts: Omit<RecordedStreamParts, "outlet" | "privacy">,
  ) {
    this.#outlet = outlet;
    this.#parts = parts;
    this.#source = settings.record;
    this.#privacy = settings.privacy;
  }

  /** Starts recording and watching, with these settings. */
  start(settings: IngestCamera): void {
    this.#open = true;
    this.#use(settings);
    if (!this.#source) this.#connect();
  }

  /** From this call on nothing is recorded or watched; files are closed later. */
  end(): void {
    this.#open = false;
    this.#end();
    this.#outlet.disconnected();
  }

  /** The state of the separate stream; undefined where there is none. */
  get status(): RecordStreamStatus | undefined {
    return this.#stream?.status;
  }

  /** Pictures of the separate stream since the newest key picture; undefined where there is none. */
  get newest(): readonly CodedPicture[] | undefined {
    return this.#source && (this.#stream?.newest ?? []);
  }

  /** The settings have changed. If masks have changed, the owner of the analysed stream reconnects it. */
  update(settings: IngestCamera): void {
    const isMaskedAnew = !isDeepStrictEqual(settings.privacy, this.#privacy);
    if (!isMaskedAnew && isDeepStrictEqual(settings.record, this.#source)) return;
    // At once: older pictures show what must not be seen now.
    this.#outlet.disconnected();
    this.#end();
    this.#use(settings);
    if (isMaskedAnew) this.#analysed = undefined;
    if (!this.#source) this.#connect();
  }

  /** A connection of the analysed stream begins; `sound` is the sound that comes with it. */
  connected(
    codec: string,
    shape: PictureShape,
    privacy: PrivacySettings | undefined,
    sound: StreamSound | undefined,
  ): void {
    this.#analysed = { codec, shape, privacy, sound };
    if (this.#open && !this.#source) this.#connect();
  }

  /** Takes a picture of the analysed stream. The caller must not change it afterwards. */
  push(picture: CodedPicture): void {
    if (this.#open && !this.#source) this.#outlet.push(picture);
  }

  /** Takes a sound frame of the analysed stream. */
  pushSound(sound: CodedSound): void {
    if (this.#open && !this.#source) this.#outlet.pushSound(sound);
  }

  /** The connection of the analysed stream has ended. */
  disconnected(): void {
    this.#analysed = undefined;
    if (this.#open && !this.#source) this.#outlet.disconnected();
  }

  async stop(): Promise<void> {
    this.end();
    await this.#ending;
  }

  /** Gives the analysed stream to the outlet, if it is connected. */
  #connect(): void {
    if (!this.#analysed) return;
    const { codec, shape, privacy, sound } = this.#analysed;
    this.#outlet.connected(codec, shape, privacy, sound);
  }

  #use({ record, privacy }: IngestCamera): void {
    this.#source = record;
    this.#privacy = privacy;
    if (!record) return;
    const masked = privacy && privacy.masks.length > 0 ? privacy : undefined;
    if (masked?.video === "off") {
      // Nothing of it may be kept or seen, so nothing is received; clients are told why.
      this.#outlet.connected("H264", { interlaced: false, orientation: 1, masks: masked.masks }, masked);
      return;
    }
    this.#stream = new RecordedStream(record, { ...this.#parts, outlet: this.#outlet, privacy: masked });
  }

  #end(): void {
    const stream = this.#stream;
    this.#stream = undefined;
    if (stream) this.#ending = Promise.all([this.#ending, stream.stop()]);
  }
}
