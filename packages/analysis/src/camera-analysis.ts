import {
  type BoundingBox,
  CameraChange,
  type CameraTransition,
  type Detection,
  type Event,
  type FrameDetections,
  type FrameReference,
  likelyAttributes,
  type RulesChange,
  type Tick,
  type TimelineEntry,
  type Timestamp,
} from "@sightline/contracts";
import { type EndedTrack, type Instant, RulesEngine, type SeenTrack } from "@sightline/rules";
import { defaultTrackerOptions, type Observation, Tracker, type TrackUpdate } from "@sightline/tracking";
import { z } from "zod";
import { AnalysisClock } from "./analysis-clock.ts";
import {
  type AnalysisState,
  analysisStateSchema,
  analysisStateVersion,
  incarnationPattern,
} from "./analysis-state.ts";
import { TrackAttributes } from "./track-attributes.ts";

/** Why an analysis failed: the stored state cannot be continued. */
export type AnalysisErrorCode = "state_invalid";

/** This version cannot continue from a stored state; begin a new incarnation without it. */
export class AnalysisStateError extends Error {
  override readonly name = "AnalysisStateError";
  readonly code: AnalysisErrorCode = "state_invalid";
}

/**
 * Detections with low scores may find lost objects again: measurements show fewer identity changes in every scene and on held-out footage
 * (packages/tracking).
 */
const trackerOptions = { lowScoreFindsLost: true };

/**
 * Turns one camera's frames, in order, into tracks and events. The live service and `replay` both use it.
 *
 * Pure and deterministic: no clock, no randomness, no I/O. The same entries give the same tracks, ids and events, even if a snapshot was
 * taken and restored anywhere in between.
 */
export class CameraAnalysis {
  /** The camera's id. */
  readonly camera: string;
  /** First part of all ids created here; taken from the state if one was given. */
  readonly incarnation: string;
  readonly #clock: AnalysisClock;
  readonly #tracker: Tracker;
  readonly #engine: RulesEngine;
  /** By class id: a track's class can differ from that of its newest detection. */
  readonly #classNames: Map<number, string>;
  readonly #attributes: TrackAttributes;

  /**
   * @param camera the camera's id
   * @param incarnation letters and digits. It must differ from all earlier ones of this camera, otherwise ids repeat
   * @param state a `snapshot()` to continue from, as read from storage
   * @throws {RangeError} the incarnation has other characters
   * @throws {AnalysisStateError} the state is malformed or of another version
   */
  constructor(camera: string, incarnation: string, state?: AnalysisState) {
    if (!incarnationPattern.test(incarnation)) {
      throw new RangeError(`An incarnation has 1 to 32 letters and digits, not "${incarnation}".`);
    }
    this.camera = camera;
    try {
      const stored = state === undefined ? undefined : analysisStateSchema.parse(state);
      this.incarnation = stored?.incarnation ?? incarnation;
      this.#clock = new AnalysisClock(stored?.clock);
      this.#tracker = new Tracker(trackerOptions, stored?.tracker);
      this.#engine = new RulesEngine(camera, this.incarnation, stored?.engine);
      this.#classNames = new Map(stored?.classNames);
      this.#attributes = new TrackAttributes(stored?.attributes);
    } catch (error) {
      const reason = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
      throw new AnalysisStateError(`The stored analysis state cannot be continued: ${reason}`, {
        cause: error,
      });
    }
  }

  /** Any entry of the camera's timeline. */
  entry(entry: NonNullable<TimelineEntry["entry"]>): Event[] {
    switch (entry.$case) {
      case "frame":
        return this.frame(entry.value);
      case "transition":
        return this.transition(entry.value);
      case "tick":
        return this.tick(entry.value);
      case "rules":
        return this.rulesChanged(entry.value);
      case "lost":
        // The next frame shows how much time has passed.
        return [];
    }
  }

  /** The camera's next frame. Gives its detections their track ids and attributes, and returns what happened. */
  frame(frame: FrameDetections): Event[] {
    const { epoch = "", number = 0, captureTime, ptsUs = 0 } = frame.frame ?? {};
    const now = this.#clock.frame(epoch, captureTime, ptsUs);
    const update = this.#tracker.update(now.ms, frame.detections.map(toObservation));
    const startTimes = this.#startTimes(update.started);
    const seen: SeenTrack[] = [];
    for (const [index, detection] of frame.detections.entries()) {
      const trackNumber = update.trackNumbers[index];
      detection.trackId = trackNumber === undefined ? "" : this.#trackId(trackNumber);
      const { pixelBox, normalizedBox, classId, className, score, attributeReadings } = detection;
      const attributes =
        trackNumber === undefined
          ? likelyAttributes(attributeReadings)
          : this.#attributes.see(trackNumber, attributeReadings);
      detection.attributes = attributes;
      this.#classNames.set(classId, className);
      if (trackNumber === undefined || pixelBox === undefined || normalizedBox === undefined) continue;
      const startTime = startTimes.get(trackNumber) ?? now.time;
      const trackClassId = update.trackClassIds[index] ?? classId;
      const trackClassName = this.#classNames.get(trackClassId);
      // Every field by name: with a spread here a frame of ten objects takes a third longer.
      seen.push({
        id: detection.trackId,
        classId: trackClassName === undefined ? classId : trackClassId,
        className: trackClassName ?? className,
        score,
        pixelBox,
        normalizedBox,
        startTime,
        attributes,
      });
    }
    this.#attributes.forget(update.ended);
    const reference: FrameReference = { epoch, number, captureTime: now.time, ptsUs };
    return this.#engine.step(now, seen, this.#ended(update, now), reference);
  }

  /** The camera went down, was removed or changed (this ends all its tracks), or came back. */
  transition(transition: CameraTransition): Event[] {
    const now = this.#clock.host(transition.time, "transition");
    if (transition.down || transition.change !== CameraChange.UNSPECIFIED) {
      this.#tracker.clear();
      this.#attributes.clear();
    }
    return this.#engine.transition(now, transition);
  }

  /** Time passed without a frame. */
  tick(tick: Tick): Event[] {
    const now = this.#clock.host(tick.time, "tick");
    const update = this.#tracker.advance(now.ms);
    this.#attributes.forget(update.ended);
    return this.#engine.step(now, [], this.#ended(update, now));
  }

  /**
   * Sets the camera's rules from now on. Before the first change there are none.
   * @throws {RulesError} they cannot be used; the old rules stay, and only time has passed
   */
  rulesChanged(change: RulesChange): Event[] {
    const now = this.#clock.host(change.time, "rules");
    return this.#engine.rulesChanged(
      now,
      change.rules ?? {
        name: "",
        zones: [],
        lines: [],
        masks: [],
        rules: [],
        etag: "",
        updateTime: undefined,
      },
    );
  }

  /** Number of open events and live tracks. While it is above 0 and no frames come, ticks must report the time. */
  get open(): number {
    return this.#engine.open + this.#tracker.tracks.length;
  }

  /** The whole state of this analysis, for JSON. */
  snapshot(): AnalysisState {
    return asBeforeAttributes({
      version: analysisStateVersion,
      incarnation: this.incarnation,
      clock: this.#clock.snapshot(),
      classNames: [...this.#classNames],
      attributes: this.#attributes.snapshot(),
      tracker: this.#tracker.snapshot(),
      engine: this.#engine.snapshot(),
    });
  }

  #trackId(trackNumber: number): string {
    return `${this.incarnation}-${trackNumber}`;
  }

  /** When the tracks confirmed in this frame were first seen. */
  #startTimes(started: readonly number[]): Map<number, Timestamp> {
    if (started.length === 0) return new Map();
    const firstSeen = new Map(this.#tracker.tracks.map((track) => [track.number, track.firstSeenMs]));
    return new Map(
      started.flatMap((number) => {
        const ms = firstSeen.get(number);
        return ms === undefined ? [] : [[number, this.#clock.timeAt(ms)] as const];
      }),
    );
  }

  /** A track that ended before the lost-track time was over is the same object as another. */
  #ended({ ended }: TrackUpdate, now: Instant): EndedTrack[] {
    return ended.map((number) => {
      const id = this.#trackId(number);
      const unseenMs = now.ms - (this.#engine.lastSeenMs(id) ?? now.ms);
      return { id, merged: unseenMs <= defaultTrackerOptions.lostMs };
    });
  }
}

/** Values that JSON cannot store, or positions outside the picture, become values that the tracker ignores. */
function toObservation({ classId, score, pixelBox, normalizedBox }: Detection): Observation {
  const proper = Number.isFinite(score) && isFiniteBox(pixelBox) && isFiniteBox(normalizedBox);
  return { classId, score: proper ? score : 0, box: pixelBox ?? noBox };
}

const noBox: BoundingBox = { xMin: 0, yMin: 0, xMax: 0, yMax: 0 };

function isFiniteBox(box: BoundingBox | undefined): boolean {
  return box !== undefined && Number.isFinite(box.xMin + box.yMin + box.xMax + box.yMax);
}

/**
 * If no second stage has reported anything, the state has the form from before second stages existed: an earlier version can continue from it,
 * beside this one or later.
 */
function asBeforeAttributes(state: AnalysisState): AnalysisState {
  return JSON.parse(
    JSON.stringify(state, (key, value) =>
      key === "attributes" && Array.isArray(value) && value.length === 0 ? undefined : value,
    ),
  );
}
