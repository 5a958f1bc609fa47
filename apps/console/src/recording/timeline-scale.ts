import type { HttpEvent, HttpRecordingSpan } from "@sightline/contracts";

export const dayMs = 24 * 3_600_000;

const minuteMs = 60_000;
/** No more and no less is shown at once. */
const longestMs = 7 * dayMs;
const shortestMs = 10 * minuteMs;
/** Minutes from mark to mark of a scale. */
const stepsMinutes = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440];
/** What is played before an event. */
export const leadMs = 5_000;
/** So much is asked for at a time; what comes after is a click away. */
export const playedMs = 2 * 3_600_000;

/** A span of time in milliseconds since 1970. */
export interface Window {
  fromMs: number;
  toMs: number;
}

/** A part of a strip, in 0..1 of its width. */
export interface StripPart {
  left: number;
  width: number;
}

/** Where a span of time lies in the window; undefined when it is outside. What is short is wide enough to be seen. */
export function partOf(window: Window, fromMs: number, toMs: number, least = 0.0008): StripPart | undefined {
  const [from, to] = [Math.max(fromMs, window.fromMs), Math.min(toMs, window.toMs)];
  if (from > to) return undefined;
  const length = window.toMs - window.fromMs;
  const width = Math.max(least, (to - from) / length);
  return { left: Math.min((from - window.fromMs) / length, 1 - width), width };
}

/** Spans that meet, joined, since they are drawn as one. */
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

/** The time from which a recording is played when `ms` is chosen: itself, or where the next recording begins. */
export function playableFrom(recorded: readonly Window[], ms: number): number | undefined {
  const next = recorded.find(({ toMs }) => toMs > ms);
  return next && Math.max(ms, next.fromMs);
}

/** Whether a time is in a window, when there is one. */
export function isIn(window: Window | undefined, ms: number): boolean {
  return window !== undefined && ms >= window.fromMs && ms < window.toMs;
}

/** The event before or after a time; events are in any order. */
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

/** An event that was gone to: when it began, and the time from which it is played. */
export interface Stepped {
  startMs: number;
  fromMs: number;
}

/** While no more than this has been played of an event, "previous" leads to the one before, and not to its own beginning. */
const justPlayedMs = 1_000;

/** From where the event before or after is looked for, when `at` is played and `last` was gone to last. */
export function stepFrom(
  at: number | undefined,
  window: Window,
  direction: "previous" | "next",
  last?: Stepped,
): number {
  if (at === undefined) return window.toMs;
  // Players tell a time some milliseconds off the one that they were sent to.
  if (last && Math.abs(at - last.fromMs) < justPlayedMs) return last.startMs + (direction === "next" ? 1 : 0);
  return at + leadMs + (direction === "next" ? 1 : -justPlayedMs);
}

/** A mark of a scale. */
export interface Tick {
  ms: number;
  label: string;
}

/** Full steps of the local clock, at most so many, with days where they begin. */
export function ticksIn({ fromMs, toMs }: Window, most = 9): Tick[] {
  const fits = (minutes: number) => (toMs - fromMs) / (minutes * minuteMs) <= most;
  const step = stepsMinutes.find(fits) ?? 1_440;
  const day = new Date(fromMs);
  const ticks: Tick[] = [];
  for (let minutes = 0; ; minutes += step) {
    // Counted from midnight: in the night in which clocks are set there are full hours too.
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

/** The window `factor` times as long, with a time staying where it is; it does not reach beyond `now`. */
export function zoomed(window: Window, factor: number, aroundMs: number, now: number): Window {
  const length = window.toMs - window.fromMs;
  const next = Math.min(longestMs, Math.max(shortestMs, length * factor));
  const share = Math.min(1, Math.max(0, (aroundMs - window.fromMs) / length));
  return upTo(now, aroundMs - share * next, next);
}

/** The window moved by a share of its length; it does not reach beyond `now`. */
export function panned({ fromMs, toMs }: Window, share: number, now: number): Window {
  const length = toMs - fromMs;
  return upTo(now, fromMs + share * length, length);
}

/** The window, or one as long about a time that is not in it. */
export function showing(window: Window, ms: number, now: number): Window {
  const length = window.toMs - window.fromMs;
  return ms >= window.fromMs && ms <= window.toMs ? window : upTo(now, ms - length / 2, length);
}

function upTo(now: number, fromMs: number, length: number): Window {
  const toMs = Math.min(now, fromMs + length);
  return { fromMs: toMs - length, toMs };
}
