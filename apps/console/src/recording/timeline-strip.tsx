import type { HttpEvent } from "@sightline/contracts";
import { eventTitle } from "../events/event-words.ts";
import { formatDayTime } from "../words/times.ts";
import { partOf, type StripPart, type Window } from "./timeline-scale.ts";

interface Props {
  camera: string;
  window: Window;
  recorded: readonly Window[];
  events: readonly HttpEvent[];
  /** The time that is chosen or shown; undefined for none. */
  at: number | undefined;
  onChoose: (ms: number) => void;
  /** To the event before or after. */
  onStep: (direction: "previous" | "next") => void;
}

/** A span of time of one camera at a glance: what is recorded, and what happened. A click plays; arrow keys go from event to event. */
export function TimelineStrip({ camera, window, recorded, events, at, onChoose, onStep }: Props) {
  const hours = hoursIn(window);
  const choose = (click: MouseEvent & { currentTarget: HTMLElement }) => {
    const { left, width } = click.currentTarget.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (click.clientX - left) / width));
    onChoose(window.fromMs + share * (window.toMs - window.fromMs));
  };
  const onKeyDown = (press: KeyboardEvent) => {
    const direction = ({ ArrowLeft: "previous", ArrowRight: "next" } as const)[press.key];
    if (!direction) return;
    press.preventDefault();
    onStep(direction);
  };
  return (
    <div
      class="timeline"
      role="slider"
      tabIndex={0}
      aria-label={`Recording of camera ${camera}: arrow keys go from event to event`}
      aria-valuemin={Math.round(window.fromMs / 1000)}
      aria-valuemax={Math.round(window.toMs / 1000)}
      aria-valuenow={Math.round((at ?? window.toMs) / 1000)}
      aria-valuetext={at === undefined ? "nothing is played" : formatDayTime(new Date(at).toISOString())}
      onClick={choose}
      onKeyDown={onKeyDown}
    >
      {recorded.map(({ fromMs, toMs }) => (
        <Part key={`r${fromMs}`} class="recorded" part={partOf(window, fromMs, toMs)} />
      ))}
      {events.map((event) => (
        <Part
          key={`e${event.id}`}
          class={event.type === "camera_down" ? "happened down" : "happened"}
          part={partOf(window, Date.parse(event.startTime), endOf(event), 0.0015)}
          title={`${eventTitle(event)}, ${formatDayTime(event.startTime)}`}
        />
      ))}
      {hours.map((ms) => (
        <Part key={`h${ms}`} class="hour" part={partOf(window, ms, ms, 0)} label={hourText(ms)} />
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
}

function Part({ class: name, part, title, label }: PartProps) {
  if (!part) return null;
  const style = { left: `${part.left * 100}%`, width: `${part.width * 100}%` };
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

/** Every third full hour of the local clock. */
function hoursIn({ fromMs, toMs }: Window): number[] {
  const first = new Date(fromMs);
  first.setMinutes(0, 0, 0);
  const hours: number[] = [];
  for (let ms = first.getTime(); ms < toMs; ms += 3_600_000)
    if (ms >= fromMs && new Date(ms).getHours() % 3 === 0) hours.push(ms);
  return hours;
}

function hourText(ms: number): string {
  return `${String(new Date(ms).getHours()).padStart(2, "0")}:00`;
}
