import { BoundedMap } from "@sightline/contracts/bounded-map";

/** Maximum change of playback speed to reach the wanted position; if it is too far away, the player jumps. */
const catchUp = 0.06;
const tolerance = 0.15;
const mostBehind = 2;
/** How many played seconds are kept. */
const keptSeconds = 10;
const steerMs = 250;
const mostTimes = 2_000;
/** Bytes that wait for the decoder; more than this only happens when the browser has stopped it. */
const mostQueuedBytes = 64 * 1024 * 1024;

const key = (seconds: number) => Math.round(seconds * 1000);

/** A growing movie in a video element, through Media Source Extensions, played a little behind its end. */
export class MovieBuffer {
  /** Distance of playback from the end, in seconds. */
  delaySeconds = 0.5;
  readonly #video: HTMLVideoElement;
  readonly #onUnplayable: (reason: string) => void;
  #source: { media: MediaSource; buffer: SourceBuffer | undefined; url: string } | undefined;
  #queue: Uint8Array<ArrayBuffer>[] = [];
  #queuedBytes = 0;
  /** Capture times by time in the movie. */
  readonly #times = new BoundedMap<number, number>(mostTimes);
  readonly #timer: ReturnType<typeof setInterval>;

  /** `onUnplayable` is called with the reason, in words, why this browser cannot play it. */
  constructor(video: HTMLVideoElement, onUnplayable: (reason: string) => void) {
    this.#video = video;
    this.#onUnplayable = onUnplayable;
    this.#timer = setInterval(() => this.#steer(), steerMs);
    video.addEventListener("error", () => {
      const { error } = video;
      if (error && this.#source)
        onUnplayable(`The video cannot be played: ${error.message || "unknown error"}.`);
    });
  }

  /** Another movie begins. */
  start(codec: string, init: Uint8Array<ArrayBuffer>): void {
    const type = `video/mp4; codecs="${codec}"`;
    if (!MediaSource.isTypeSupported(type)) {
      this.#onUnplayable(`This browser cannot play the camera's video (${nameOf(codec)}).`);
      return;
    }
    this.#drop();
    const media = new MediaSource();
    const source = { media, buffer: undefined as SourceBuffer | undefined, url: URL.createObjectURL(media) };
    this.#source = source;
    this.#push(init);
    media.addEventListener("sourceopen", () => {
      if (this.#source !== source) return;
      source.buffer = media.addSourceBuffer(type);
      source.buffer.addEventListener("updateend", () => this.#feed());
      this.#feed();
    });
    this.#video.src = source.url;
  }

  /** Adds to the movie; for each picture, its time in the movie and its capture time. */
  add(
    times: readonly (readonly [seconds: number, captureMs: number])[],
    data: Uint8Array<ArrayBuffer>,
  ): void {
    if (!this.#source) return;
    for (const [seconds, captureMs] of times) this.#times.set(key(seconds), captureMs);
    this.#push(data);
    this.#feed();
  }

  /** The capture time of the picture at a time in the movie, in milliseconds since 1970. */
  captureMsAt(seconds: number): number | undefined {
    const at = key(seconds);
    return this.#times.get(at) ?? this.#times.get(at - 1) ?? this.#times.get(at + 1);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#drop();
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  #drop(): void {
    const source = this.#source;
    this.#source = undefined;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#times.clear();
    if (source) URL.revokeObjectURL(source.url);
  }

  #push(data: Uint8Array<ArrayBuffer>): void {
    if (this.#queuedBytes + data.byteLength > mostQueuedBytes) return;
    this.#queue.push(data);
    this.#queuedBytes += data.byteLength;
  }

  #feed(): void {
    const buffer = this.#source?.buffer;
    if (!buffer || buffer.updating || this.#source?.media.readyState !== "open") return;
    const { buffered } = buffer;
    const start = buffered.length > 0 ? buffered.start(0) : 0;
    if (this.#video.currentTime - start > 2 * keptSeconds) {
      buffer.remove(start, this.#video.currentTime - keptSeconds);
      return;
    }
    if (this.#queue.length === 0) return;
    // All waiting data at once, since each append costs a turn of the decoder.
    const bytes = new Uint8Array(this.#queuedBytes);
    let at = 0;
    for (const part of this.#queue) {
      bytes.set(part, at);
      at += part.byteLength;
    }
    this.#queue = [];
    this.#queuedBytes = 0;
    try {
      buffer.appendBuffer(bytes);
    } catch (error) {
      this.#onUnplayable(`The video cannot be played: ${(error as Error).message}.`);
    }
  }

  /** Keeps playback at the wanted distance from the end. */
  #steer(): void {
    const video = this.#video;
    const { buffered } = video;
    if (!this.#source?.buffer || buffered.length === 0) return;
    const end = buffered.end(buffered.length - 1);
    const start = buffered.start(buffered.length - 1);
    const behind = end - video.currentTime;
    const off = behind - this.delaySeconds;
    if (behind > this.delaySeconds + mostBehind || video.currentTime < start)
      video.currentTime = Math.max(start, end - this.delaySeconds);
    video.playbackRate = Math.abs(off) <= tolerance ? 1 : off > 0 ? 1 + catchUp : 1 - catchUp;
    // The browser refuses this if pages may not play automatically; then still pictures are shown.
    if (video.paused && end - start > Math.min(0.3, this.delaySeconds)) video.play().catch(() => undefined);
  }
}

function nameOf(codec: string): string {
  return /^h(vc|ev)1/.test(codec) ? "H.265" : codec;
}
