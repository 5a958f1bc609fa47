/** Times are in microseconds: each track's own time, and arrival by the monotonic clock. */
export type MediaTrack = "video" | "sound";

/** How long a measured minimum delay stays valid. */
const windowUs = 5e6;
/** The camera's clocks are used only if they nearly agree with the arrival: some cameras report a different clock for each track. */
const mostApartUs = 1.5e6;
/** Sound is moved only if it is off by more than this: according to the camera's clocks, or according to arrival, which is less exact. */
const reportedStepUs = 20_000;
const arrivalStepUs = 80_000;
const ntpSecondUs = 1e6;

/**
 * Tells when the sound of a camera is to be heard, in the time of its video. In RTP each track's time starts at a random value; the camera's
 * reports (RTCP) relate both to one clock. Until both reports have come, or if they cannot be true, arrival decides: the smallest delay between
 * own time and arrival is assumed to be equal in both tracks.
 */
export class SoundClock {
  readonly #least = { video: new LeastDelay(), sound: new LeastDelay() };
  /** For each track, how far its time is ahead of the camera's clock. */
  readonly #reported: Partial<Record<MediaTrack, number>> = {};
  #offset: number | undefined;

  /** Data of a track has arrived whose recording ended at this time of the track. */
  arrived(track: MediaTrack, endUs: number, arrivedAtUs: number): void {
    this.#least[track].see(arrivedAtUs - endUs, arrivedAtUs);
  }

  /** Processes a sender report (RFC 3550, 6.4.1) of a track; `toTrackUs` converts an RTP timestamp to the track's time. */
  report(track: MediaTrack, packet: Buffer, toTrackUs: (timestamp: number) => number | undefined): void {
    if (packet.length < 28 || packet[0]! >> 6 !== 2 || packet[1] !== 200) return;
    const timeUs = toTrackUs(packet.readUInt32BE(16));
    const clockUs = packet.readUInt32BE(8) * ntpSecondUs + (packet.readUInt32BE(12) / 2 ** 32) * ntpSecondUs;
    if (timeUs !== undefined && clockUs > 0) this.#reported[track] = timeUs - clockUs;
  }

  /** The video's time for a time of the sound; undefined until data of both tracks has arrived. */
  videoTimeAt(soundUs: number): number | undefined {
    const [video, sound] = [this.#least.video.value, this.#least.sound.value];
    if (video === undefined || sound === undefined) return undefined;
    const byArrival = sound - video;
    const byReport = this.#reportedOffset();
    const isBelieved = byReport !== undefined && Math.abs(byReport - byArrival) < mostApartUs;
    const [offset, step] = isBelieved ? [byReport, reportedStepUs] : [byArrival, arrivalStepUs];
    if (this.#offset === undefined || Math.abs(offset - this.#offset) > step) this.#offset = offset;
    return soundUs + this.#offset;
  }

  #reportedOffset(): number | undefined {
    const { video, sound } = this.#reported;
    return video === undefined || sound === undefined ? undefined : video - sound;
  }
}

/** The smallest delay of the last seconds. */
class LeastDelay {
  #since: number | undefined;
  #before: number | undefined;
  #now: number | undefined;

  see(delay: number, at: number): void {
    if (this.#since === undefined || at - this.#since > windowUs) {
      this.#since = at;
      this.#before = this.#now;
      this.#now = undefined;
    }
    this.#now = Math.min(delay, this.#now ?? delay);
  }

  get value(): number | undefined {
    return this.#now === undefined ? this.#before : Math.min(this.#now, this.#before ?? this.#now);
  }
}
