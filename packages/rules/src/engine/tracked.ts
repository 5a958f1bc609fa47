import type { Attribute, BoundingBox, FrameReference, Point, Timestamp } from "@sightline/contracts";
import { anchorOf } from "../geometry/polygon.ts";
import type { Instant, TrackState } from "./engine-state.ts";
import type { Scene } from "./scene.ts";

/** An object as seen in one frame. */
export interface SeenTrack {
  /** Unique among the camera's tracks, for ever. */
  readonly id: string;
  /** The object's, which need not be that of its detection in this frame. */
  readonly classId: number;
  readonly className: string;
  readonly score: number;
  /** Finite. */
  readonly pixelBox: BoundingBox;
  /** Finite. */
  readonly normalizedBox: BoundingBox;
  /** What second stages take it for; not given is as none. */
  readonly attributes?: readonly Attribute[];
  /** Of the track's first frame; that of the first call counts. */
  readonly startTime: Timestamp;
}

/** An object that is not followed any more. */
export interface EndedTrack {
  readonly id: string;
  /** It was the same object as another track's, which goes on, so it has not left. */
  readonly merged: boolean;
}

/** An object that is followed, and where it is. */
export class Tracked {
  readonly state: TrackState;
  /** Middle of the box's lower edge, in 0..1. */
  anchor: Point = { x: 0, y: 0 };
  /** By number of the zone: whether the object is in it. */
  inZone: readonly boolean[] = [];
  /** Whether a mask keeps the object out of account. */
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

  /** Finds out anew where the object is: its box or the scene has changed. */
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
