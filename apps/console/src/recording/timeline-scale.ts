import type { HttpEvent, HttpRecordingSpan } from "@sightline/contracts";

export const dayMs = 24 * 3_600_000;

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
