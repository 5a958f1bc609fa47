/** Times are in microseconds: those of the two tracks as each counts them, and arrival by the monotonic clock. */
export type MediaTrack = "video" | "sound";

/** How long the least delay that was seen counts. */
const windowUs = 5e6;
/** The camera's clocks are believed when they say nearly what the arrival says: some cameras report another clock for each track. */
const mostApartUs = 1.5e6;
/** Sound is moved only when it is so much off: by the camera's clocks, and by arrival, which is less exact. */
const reportedStepUs = 20_000;
const arrivalStepUs = 80_000;
const ntpSecondUs = 1e6;

/**
 * Says when the sound of a camera is to be heard, in the time of its video. RTP begins each track's time at random; the camera's reports (RTCP)
 * tie both to one clock. Until both have come, or where they cannot be true, what took the least time from its own time to its arrival counts as
 * equally fast in both tracks.
 */
export class SoundClock {
  readonly #least = { video: new LeastDelay(), sound: new LeastDelay() };
  /** Of each track, how much later its time is than the camera's clock. */
  readonly #reported: Partial<Record<MediaTrack, number>> = {};
  #offset: number | undefined;

  /** Something of a track has arrived whose recording ended at this time of the track. */
  arrived(track: MediaTrack, endUs: number, arrivedAtUs: number): void {
    this.#least[track].see(arrivedAtUs - endUs, arrivedAtUs);
  }

  /** Takes what a sender report (RFC 3550, 6.4.1) says of a track; `toTrackUs` gives a track's time for an RTP timestamp. */
  report(track: MediaTrack, packet: Buffer, toTrackUs: (timestamp: number) => number | undefined): void {
    if (packet.length < 28 || packet[0]! >> 6 !== 2 || packet[1] !== 200) return;
    const timeUs = toTrackUs(packet.readUInt32BE(16));
    const clockUs = packet.readUInt32BE(8) * ntpSecondUs + (packet.readUInt32BE(12) / 2 ** 32) * ntpSecondUs;
    if (timeUs !== undefined && clockUs > 0) this.#reported[track] = timeUs - clockUs;
  }

  /** The video's time at a time of the sound; undefined until something of both has arrived. */
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

/** The least of the last seconds. */
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
