import type { HttpEvent } from "@sightline/contracts";
import { eventTitle } from "../events/event-words.ts";
import { formatDayTime } from "../words/numbers-and-times.ts";
import { partOf, type StripPart, ticksIn, type Window } from "./timeline-scale.ts";

/** Number of events in a time range. */
export type Counted = Window & { events: number };

interface Props {
  /** What the strip is, and what keys do. */
  label: string;
  window: Window;
  recorded: readonly Window[];
  events: readonly HttpEvent[];
  /** Used where there are too many events to show each one. */
  counted?: readonly Counted[];
  /** The chosen or shown time; undefined for none. */
  at: number | undefined;
  /** Whether hours are written into the strip. */
  hours?: boolean;
  onChoose: (ms: number) => void;
  /** Jumps to the event before or after. */
  onStep: (direction: "previous" | "next") => void;
  /** Handles a key before the strip does; returns true when the key is done. */
  onKey?: (press: KeyboardEvent) => boolean;
  /** The time under the mouse or finger; undefined when it has left. */
  onPoint?: (ms: number | undefined) => void;
  /** The pointer moves along the strip with the button held. */
  onDrag?: (ms: number) => void;
}

/** One camera's time range: recordings and events. A click plays; arrow keys jump from event to event. */
export function TimelineStrip(props: Props) {
  const { label, window, recorded, events, counted = [], at, hours = true } = props;
  const timeAt = ({ clientX, currentTarget }: MouseEvent & { currentTarget: HTMLElement }) => {
    const { left, width } = currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (clientX - left) / width));
    return window.fromMs + share * (window.toMs - window.fromMs);
  };
  const onKeyDown = (press: KeyboardEvent) => {
    const direction = ({ ArrowLeft: "previous", ArrowRight: "next" } as const)[press.key];
    const taken = props.onKey?.(press) ?? false;
    if (!taken && !direction) return;
    press.preventDefault();
    if (!taken && direction) props.onStep(direction);
  };
  const most = counted.reduce((most, { events }) => Math.max(most, events), 1);
  return (
    <div
      class="timeline"
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={Math.round(window.fromMs / 1000)}
      aria-valuemax={Math.round(window.toMs / 1000)}
      aria-valuenow={Math.round((at ?? window.toMs) / 1000)}
      aria-valuetext={at === undefined ? "nothing is played" : formatDayTime(new Date(at).toISOString())}
      onClick={(click) => props.onChoose(timeAt(click))}
      onKeyDown={onKeyDown}
      onPointerDown={(press) => press.currentTarget.setPointerCapture(press.pointerId)}
      onPointerMove={(move) => {
        props.onPoint?.(timeAt(move));
        if ((move.buttons & 1) === 1) props.onDrag?.(timeAt(move));
      }}
      onPointerLeave={() => props.onPoint?.(undefined)}
    >
      {recorded.map(({ fromMs, toMs }) => (
        <Part key={`r${fromMs}`} class="recorded" part={partOf(window, fromMs, toMs)} />
      ))}
      {counted.map(({ fromMs, toMs, events }) => (
        <Part
          key={`c${fromMs}`}
          class="counted"
          part={partOf(window, fromMs, toMs)}
          strength={0.25 + (0.75 * events) / most}
          title={`${events} events, ${formatDayTime(new Date(fromMs).toISOString())}`}
        />
      ))}
      {events.map((event) => (
        <Part
          key={`e${event.id}`}
          class={event.type === "camera_down" ? "happened down" : "happened"}
          part={partOf(window, Date.parse(event.startTime), endOf(event), 0.0015)}
          title={`${eventTitle(event)}, ${formatDayTime(event.startTime)}`}
        />
      ))}
      {ticksIn(window).map(({ ms, label }) => (
        <Part key={`h${ms}`} class="hour" part={partOf(window, ms, ms, 0)} label={hours ? label : ""} />
      ))}
      {at !== undefined && <Part class="cursor" part={partOf(window, at, at, 0)} />}
    </div>
  );
}

interface PartProps {
  class: string;
  part: StripPart | undefined;
  title?: string;
  label?: string;
  /** 0..1. */
  strength?: number;
}

function Part({ class: name, part, title, label, strength }: PartProps) {
  if (!part) return null;
  const style = {
    left: `${part.left * 100}%`,
    width: `${part.width * 100}%`,
    ...(strength !== undefined && { opacity: strength }),
  };
  return (
    <span class={name} style={style} title={title}>
      {label}
    </span>
  );
}

function endOf({ startTime, endTime, phase }: HttpEvent): number {
  if (endTime !== null) return Date.parse(endTime);
  return phase === "once" ? Date.parse(startTime) : Date.now();
}
