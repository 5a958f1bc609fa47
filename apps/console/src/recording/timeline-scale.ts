import type { HttpEvent, HttpRecordingSpan } from "@sightline/contracts";

export const dayMs = 24 * 3_600_000;

const minuteMs = 60_000;
/** Limits of the shown time range. */
const longestMs = 7 * dayMs;
const shortestMs = 10 * minuteMs;
/** Possible distances between marks of a scale, in minutes. */
const stepsMinutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440];
/** How much is played before an event. */
export const leadMs = 5_000;
/** How much is requested at a time; the rest is one click away. */
export const playedMs = 2 * 3_600_000;

/** A time range in milliseconds since 1970. */
export interface Window {
  fromMs: number;
  toMs: number;
}

/** A part of a strip, in 0..1 of its width. */
export interface StripPart {
  left: number;
  width: number;
}

/** Where a time range lies in the window; undefined when it is outside. A short range is made wide enough to be visible. */
export function partOf(window: Window, fromMs: number, toMs: number, least = 0.0008): StripPart | undefined {
  const [from, to] = [Math.max(fromMs, window.fromMs), Math.min(toMs, window.toMs)];
  if (from > to) return undefined;
  const length = window.toMs - window.fromMs;
  const width = Math.max(least, (to - from) / length);
  return { left: Math.min((from - window.fromMs) / length, 1 - width), width };
}

/** Joins spans that touch, since they are drawn as one. */
export function joined(spans: readonly HttpRecordingSpan[], mostGapMs = 2_000): Window[] {
  const windows: Window[] = [];
  for (const { startTime, endTime } of spans) {
    const [fromMs, toMs] = [Date.parse(startTime), Date.parse(endTime)];
    const last = windows.at(-1);
    if (last && fromMs - last.toMs <= mostGapMs) last.toMs = Math.max(last.toMs, toMs);
    else windows.push({ fromMs, toMs });
  }
  return windows;
}

/** The time from which a recording is played when `ms` is chosen: `ms` itself, or the start of the next recording. */
export function playableFrom(recorded: readonly Window[], ms: number): number | undefined {
  const next = recorded.find(({ toMs }) => toMs > ms);
  return next && Math.max(ms, next.fromMs);
}

/** Whether a time is in the window, if there is one. */
export function isIn(window: Window | undefined, ms: number): boolean {
  return window !== undefined && ms >= window.fromMs && ms < window.toMs;
}

/** The event before or after a time; the list may have any order. */
export function eventBeside(
  events: readonly HttpEvent[],
  ms: number,
  direction: "previous" | "next",
): HttpEvent | undefined {
  const starts = events
    .map((event) => ({ event, startMs: Date.parse(event.startTime) }))
    .sort((a, b) => a.startMs - b.startMs);
  return direction === "next"
    ? starts.find(({ startMs }) => startMs > ms)?.event
    : starts.findLast(({ startMs }) => startMs < ms)?.event;
}

/** An event that the user jumped to: its start, and the time from which it is played. */
export interface Stepped {
  startMs: number;
  fromMs: number;
}

/** While no more than this of an event has been played, "previous" leads to the event before it, not to its own start. */
const justPlayedMs = 1_000;

/** From where to search for the previous or next event, when `at` is played and `last` was the last jump. */
export function stepFrom(
  at: number | undefined,
  window: Window,
  direction: "previous" | "next",
  last?: Stepped,
): number {
  if (at === undefined) return window.toMs;
  // Players report a time that differs by some milliseconds from the one they were set to.
  if (last && Math.abs(at - last.fromMs) < justPlayedMs) return last.startMs + (direction === "next" ? 1 : 0);
  return at + leadMs + (direction === "next" ? 1 : -justPlayedMs);
}

/** A mark of a scale. */
export interface Tick {
  ms: number;
  label: string;
}

/** Full steps of the local clock, at most `most`, with the day's name where a day begins. */
export function ticksIn({ fromMs, toMs }: Window, most = 9): Tick[] {
  const fits = (minutes: number) => (toMs - fromMs) / (minutes * minuteMs) <= most;
  const step = stepsMinutes.find(fits) ?? 1_440;
  const day = new Date(fromMs);
  const ticks: Tick[] = [];
  for (let minutes = 0; ; minutes += step) {
    // Counted from midnight: this also gives full hours in the night when clocks change.
    const time = new Date(day.getFullYear(), day.getMonth(), day.getDate(), 0, minutes);
    if (time.getTime() >= toMs) return ticks;
    if (time.getTime() >= fromMs) ticks.push({ ms: time.getTime(), label: tickText(time) });
  }
}

function tickText(time: Date): string {
  const [hours, minutes] = [time.getHours(), time.getMinutes()];
  if (hours === 0 && minutes === 0) return `${time.getDate()}.${time.getMonth() + 1}.`;
  return `${String(hours).padStart(2, "0")}:${String(minutes).padStart(2, "0")}`;
}

/** The window, `factor` times as long, with one time staying in place; it does not extend beyond `now`. */
export function zoomed(window: Window, factor: number, aroundMs: number, now: number): Window {
  const length = window.toMs - window.fromMs;
  const next = Math.min(longestMs, Math.max(shortestMs, length * factor));
  const share = Math.min(1, Math.max(0, (aroundMs - window.fromMs) / length));
  return upTo(now, aroundMs - share * next, next);
}

/** The window moved by a fraction of its length; it does not extend beyond `now`. */
export function panned({ fromMs, toMs }: Window, share: number, now: number): Window {
  const length = toMs - fromMs;
  return upTo(now, fromMs + share * length, length);
}

/** The window itself, or one of the same length around a time outside it. */
export function showing(window: Window, ms: number, now: number): Window {
  const length = window.toMs - window.fromMs;
  return ms >= window.fromMs && ms <= window.toMs ? window : upTo(now, ms - length / 2, length);
}

function upTo(now: number, fromMs: number, length: number): Window {
  const toMs = Math.min(now, fromMs + length);
  return { fromMs: toMs - length, toMs };
}
