import type { Attribute, BoundingBox, FrameReference, Point, Timestamp } from "@sightline/contracts";
import { anchorOf } from "../geometry/polygon.ts";
import type { Instant, TrackState } from "./engine-state.ts";
import type { Scene } from "./scene.ts";

/** An object as seen in one frame. */
export interface SeenTrack {
  /** Unique among all tracks of the camera, at any time. */
  readonly id: string;
  /** The object's class, which may differ from the class of its detection in this frame. */
  readonly classId: number;
  readonly className: string;
  readonly score: number;
  /** Finite. */
  readonly pixelBox: BoundingBox;
  /** Finite. */
  readonly normalizedBox: BoundingBox;
  /** Attributes from second stages; undefined means none. */
  readonly attributes?: readonly Attribute[];
  /** Time of the track's first frame; the value in the first call is kept. */
  readonly startTime: Timestamp;
}

/** An object that is not tracked any more. */
export interface EndedTrack {
  readonly id: string;
  /** It was the same object as another track, which continues, so the object has not left. */
  readonly merged: boolean;
}

/** A tracked object and its position. */
export class Tracked {
  readonly state: TrackState;
  /** Middle of the box's lower edge, 0..1. */
  anchor: Point = { x: 0, y: 0 };
  /** For each zone, by its index, whether the object is in it. */
  inZone: readonly boolean[] = [];
  /** Whether the object is behind a mask and does not count. */
  masked = false;
  /** See `EndedTrack`. */
  merged = false;

  constructor(state: TrackState) {
    this.state = state;
  }

  static begin(seen: SeenTrack, now: Instant): Tracked {
    const { id, classId, className, score, pixelBox, normalizedBox, startTime } = seen;
    return new Tracked({
      id,
      classId,
      className,
      score,
      bestScore: score,
      pixelBox: { ...pixelBox },
      normalizedBox: { ...normalizedBox },
      startTime: { ...startTime },
      attributes: [],
      lastSeen: now,
      lastFrame: null,
    });
  }

  see(seen: SeenTrack, now: Instant, frame: FrameReference | undefined): void {
    const { classId, className, score, pixelBox, normalizedBox, attributes = [] } = seen;
    const { state } = this;
    state.attributes = attributes.map((attribute) => ({ ...attribute }));
    state.classId = classId;
    state.className = className;
    state.score = score;
    state.bestScore = Math.max(state.bestScore, score);
    state.pixelBox = { ...pixelBox };
    state.normalizedBox = { ...normalizedBox };
    state.lastSeen = now;
    if (frame?.captureTime !== undefined) state.lastFrame = { ...frame, captureTime: frame.captureTime };
  }

  /** Updates the object's position after its box or the scene has changed. */
  locate(scene: Scene): void {
    this.anchor = anchorOf(this.state.normalizedBox);
    this.masked = scene.masks(this.anchor);
    this.inZone = scene.zonesAt(this.anchor);
  }

  get size(): { width: number; height: number } {
    const { xMin, yMin, xMax, yMax } = this.state.normalizedBox;
    return { width: xMax - xMin, height: yMax - yMin };
  }

  /** How well the object can be seen: score × area. */
  get view(): number {
    const { width, height } = this.size;
    return this.state.score * width * height;
  }
}
