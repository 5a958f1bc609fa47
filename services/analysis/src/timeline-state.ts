import { type AnalysisState, CameraAnalysis } from "@sightline/analysis";
import { type Event, fromTimestamp, type TimelineEntry, type Timestamp } from "@sightline/contracts";
import { PublishedFrames, type PublishedFramesState } from "./published-frames.ts";

/** The result of one camera's timeline so far, as plain JSON. */
export interface StoredTimelineState {
  publishedAhead: PublishedFramesState;
  down: boolean;
  rulesEtag: string;
  /** Older versions did not store it. */
  framesEndMs?: number | null | undefined;
  analysis: AnalysisState;
}

/**
 * The state that results from a camera's timeline: the same entries in the same order always give the same track ids,
 * events and state, whether they are new or read again.
 */
export class TimelineState {
  readonly analysis: CameraAnalysis;
  readonly frames: PublishedFrames;
  #down: boolean;
  #rulesEtag: string;
  /**
   * Frames captured up to this wall clock time, in milliseconds, belong to something that is over; null when there is no
   * such time.
   */
  #framesEndMs: number | null;
  #tracked = 0;

  /**
   * `incarnation` is that of the state, if one is given.
   * @throws when the state cannot be continued
   */
  constructor(camera: string, incarnation: string, state?: StoredTimelineState) {
    this.analysis = new CameraAnalysis(camera, incarnation, state?.analysis);
    this.frames = new PublishedFrames(state?.publishedAhead);
    this.#down = state?.down ?? false;
    this.#rulesEtag = state?.rulesEtag ?? "";
    this.#framesEndMs = state?.framesEndMs ?? null;
  }

  /** Whether the camera went down in the last transition. */
  get down(): boolean {
    return this.#down;
  }

  /** The etag of the rules in force; empty when there are none. */
  get rulesEtag(): string {
    return this.#rulesEtag;
  }

  /** Objects followed in the newest frame. */
  get tracked(): number {
    return this.#tracked;
  }

  /**
   * Applies the next entry; gives a frame's detections their track ids and returns the resulting events. A frame that comes
   * after a later one, or after the end of what it belongs to, is only recorded: the tracker has moved on.
   */
  apply(entry: NonNullable<TimelineEntry["entry"]>): Event[] {
    if (entry.$case === "transition") {
      this.#down = entry.value.down;
      this.#framesEndMs = entry.value.framesEnd ? fromTimestamp(entry.value.framesEnd) : null;
      this.#tracked = 0;
    } else if (entry.$case === "rules") this.#rulesEtag = entry.value.rules?.etag ?? "";
    else if (entry.$case === "frame") {
      const { epoch, number, captureTime } = entry.value.frame!;
      const late = this.frames.isLate(epoch, number) || this.#isOver(captureTime);
      this.frames.add(epoch, number);
      if (late) {
        for (const detection of entry.value.detections) detection.trackId = "";
        return [];
      }
      const events = this.analysis.entry(entry);
      this.#tracked = entry.value.detections.filter(({ trackId }) => trackId !== "").length;
      return events;
    }
    return this.analysis.entry(entry);
  }

  /**
   * Whether a frame of this time was captured before the recorded end; after the first frame that was not, this is not
   * checked any more.
   */
  #isOver(captureTime: Timestamp | undefined): boolean {
    if (this.#framesEndMs === null) return false;
    if (captureTime !== undefined && fromTimestamp(captureTime) <= this.#framesEndMs) return true;
    this.#framesEndMs = null;
    return false;
  }

  snapshot(): StoredTimelineState {
    return {
      publishedAhead: this.frames.snapshot(),
      down: this.#down,
      rulesEtag: this.#rulesEtag,
      framesEndMs: this.#framesEndMs,
      analysis: this.analysis.snapshot(),
    };
  }
}
