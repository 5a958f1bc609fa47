import type { StreamSound } from "@sightline/rtsp";

/** A stream whose connection with sound gave no video is received without sound for so long. */
const pauseMs = 10 * 60_000;

/** Decides whether a stream is asked for its sound too. Sound must never cost the video: some cameras send neither when asked for both. */
export class SoundTrial {
  #failedAt = Number.NEGATIVE_INFINITY;

  /** Whether the connection that begins is to have sound, where it is wanted. */
  asks(wanted: boolean): boolean {
    return wanted && performance.now() - this.#failedAt > pauseMs;
  }

  /** What is said of the sound of a connection that did not ask for it. */
  left(wanted: boolean): StreamSound | undefined {
    return wanted
      ? {
          fault:
            "the camera gave no video when it was also asked for sound; it is received without sound for 10 min",
        }
      : undefined;
  }

  /** A connection that had asked for sound has ended; by itself, and perhaps before its first picture. */
  ended(sound: StreamSound | undefined, hadPicture: boolean): void {
    if (sound !== undefined && "config" in sound && !hadPicture) this.#failedAt = performance.now();
  }

  /** The settings are others. */
  reset(): void {
    this.#failedAt = Number.NEGATIVE_INFINITY;
  }
}
