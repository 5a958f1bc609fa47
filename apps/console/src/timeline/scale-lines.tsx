import type { ReadonlySignal } from "@preact/signals";
import { partOf, ticksIn } from "../recording/timeline-scale.ts";
import { formatDayTime } from "../words/numbers-and-times.ts";
import type { Timeline } from "./use-timeline.ts";

interface Props {
  timeline: Timeline;
  /** The time under the mouse; undefined when the mouse is elsewhere. */
  pointed: ReadonlySignal<number | undefined>;
}

/** The hours above the rows, and lines through all rows at the played time and the pointed time. */
export function ScaleLines({ timeline, pointed }: Props) {
  const window = timeline.window.value;
  const placeOf = (ms: number | undefined) => {
    const part = ms === undefined ? undefined : partOf(window, ms, ms, 0);
    return part && { left: `${part.left * 100}%` };
  };
  const played = placeOf(timeline.at.value);
  const point = pointed.value;
  const pointPlace = placeOf(point);
  const isLate = point !== undefined && point > (window.fromMs + window.toMs) / 2;
  return (
    <div class="timeline-lines" aria-hidden="true">
      <div class="timeline-hours">
        {ticksIn(window).map(({ ms, label }) => (
          <span key={ms} style={placeOf(ms)}>
            {label}
          </span>
        ))}
      </div>
      {played && <span class="line played" style={played} />}
      {point !== undefined && pointPlace && (
        <span class={isLate ? "line pointed late" : "line pointed"} style={pointPlace}>
          <b>{formatDayTime(new Date(point).toISOString())}</b>
        </span>
      )}
    </div>
  );
}
