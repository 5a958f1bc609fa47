import {
  type CameraChange,
  CameraReason,
  CameraTransition,
  EndReason,
  type Event,
  EventPhase,
  fromTimestamp,
  toTimestamp,
} from "@sightline/contracts";
import type { Instant } from "../engine/engine-state.ts";
import { RulesEngine } from "../engine/rules-engine.ts";
import type { SeenTrack } from "../engine/tracked.ts";
import { parseRules } from "../files/parse-rules.ts";

/** Where an object stands (the middle of its box's lower edge), and how it differs from an ordinary object. */
export type Sight = readonly [
  x: number,
  y: number,
  more?: {
    className?: string;
    score?: number;
    size?: number;
    /** Attributes from second stages, by name. */
    known?: Readonly<Record<string, string>>;
  },
];

/** 2026-01-05 is a Monday. */
const walkStartMs = Date.parse("2026-01-05T12:00:00Z");

const nameOf = (values: Record<string, number>, value: number) =>
  (Object.entries(values).find(([, candidate]) => candidate === value)?.[0] ?? "").toLowerCase();

/** Runs an engine through a story; times are milliseconds since `walkStartMs`. */
export class EngineWalk {
  engine = new RulesEngine("door", "t");
  /** Wall clock minus the engine's clock. */
  wallOffsetMs = 0;
  #number = 0;

  constructor(rules?: unknown) {
    if (rules !== undefined) this.rules(0, rules);
  }

  rules(ms: number, rules: unknown): Event[] {
    return this.engine.rulesChanged(this.at(ms), parseRules(rules));
  }

  /** A frame with these objects; tracks in `lost` end. */
  frame(ms: number, sights: Record<string, Sight>, lost: readonly string[] = []): Event[] {
    const now = this.at(ms);
    const seen = Object.entries(sights).map(([id, sight]) => seenTrack(id, sight, now));
    const frame = { epoch: "e", number: ++this.#number, captureTime: now.time, ptsUs: ms * 1000 };
    return this.engine.step(now, seen, ended(lost), frame);
  }

  tick(ms: number, lost: readonly string[] = []): Event[] {
    return this.engine.step(this.at(ms), [], ended(lost));
  }

  down(ms: number, reason: CameraReason = CameraReason.STALLED, message = ""): Event[] {
    const now = this.at(ms);
    return this.engine.transition(
      now,
      CameraTransition.fromPartial({ time: now.time, down: true, reason, message }),
    );
  }

  up(ms: number): Event[] {
    const now = this.at(ms);
    return this.engine.transition(now, CameraTransition.fromPartial({ time: now.time, down: false }));
  }

  changed(ms: number, change: CameraChange): Event[] {
    const now = this.at(ms);
    return this.engine.transition(now, CameraTransition.fromPartial({ time: now.time, change }));
  }

  at(ms: number): Instant {
    return { ms, time: toTimestamp(walkStartMs + ms + this.wallOffsetMs) };
  }
}

function ended(lost: readonly string[]) {
  return lost.map((id) => ({ id, merged: false }));
}

function seenTrack(id: string, [x, y, more = {}]: Sight, now: Instant): SeenTrack {
  const { className = "person", score = 0.75, size = 0.125, known = {} } = more;
  const attributes = Object.entries(known).map(([name, value]) => ({ name, value, score: 0.9 }));
  const normalizedBox = { xMin: x - size / 2, yMin: y - size, xMax: x + size / 2, yMax: y };
  const pixelBox = {
    xMin: normalizedBox.xMin * 1000,
    yMin: normalizedBox.yMin * 1000,
    xMax: normalizedBox.xMax * 1000,
    yMax: normalizedBox.yMax * 1000,
  };
  return {
    ...{ id, classId: 0, className, score, pixelBox, normalizedBox, attributes },
    startTime: now.time,
  };
}

/** An event in short form: `end entered_zone-road a 1000..3000 condition_over`, times since `walkStartMs`. */
export function inShort(event: Event): string {
  const ms = (time: Event["startTime"]) =>
    time === undefined ? "" : Math.round(fromTimestamp(time) - walkStartMs);
  const parts = [
    nameOf(EventPhase, event.phase),
    event.rule === "" ? (event.type === 9 ? "camera_down" : "camera_up") : event.rule,
    event.track?.id ?? (event.rule === "" ? "" : String(event.count)),
    `${ms(event.startTime)}..${ms(event.endTime)}`,
    event.endReason === EndReason.UNSPECIFIED ? "" : nameOf(EndReason, event.endReason),
  ];
  return parts.filter((part) => part !== "").join(" ");
}
