import { fromTimestamp, type Timestamp, toTimestamp } from "@sightline/contracts";
import type { Instant } from "@sightline/rules";
import type { ClockState } from "./analysis-state.ts";

/** How far capture time and presentation time may drift apart before one of the clocks counts as having been set, in milliseconds. */
const clockToleranceMs = 1000;

/**
 * The most time that passes between a frame and the next tick, in milliseconds. Ticks have the time of another host than frames, and the
 * clocks of two hosts may differ.
 */
const maxHostStepMs = 2000;
/** If this clock is ahead of a frame, the frame advances it by at most this much, in milliseconds. */
const mostSlowMs = 100;
/** By kind of entry other than a frame: how much time may pass right after a frame. */
const mostAfterFrameMs = {
  tick: maxHostStepMs,
  /** A change of rules needs no time to pass; if the analysis is behind, earlier frames still follow, and their time must go on. */
  rules: 0,
  transition: Infinity,
};

/**
 * The time that passes for one camera's analysis: it never goes back, and does not jump when somebody sets a clock.
 *
 * Between two frames of an epoch the difference of their capture times passes, as long as it agrees with the stream's presentation times.
 * If it does not, the wall clock was set, or frames were delayed and came in a burst: then presentation times decide. The exception is
 * when presentation times themselves jumped, back or ahead of the wall clock, or stand still.
 */
export class AnalysisClock {
  readonly #state: ClockState;

  constructor(state?: ClockState) {
    this.#state =
      state === undefined
        ? { nowMs: 0, time: { seconds: 0, nanos: 0 }, frame: null, hostEntry: false, recentFrames: [] }
        : structuredClone(state);
  }

  /** A frame was captured. Without a capture time, the time of the last entry is used. */
  frame(epoch: string, captureTime: Timestamp | undefined, ptsUs: number): Instant {
    const state = this.#state;
    const time = captureTime ?? state.time;
    const captureMs = fromTimestamp(time);
    const ptsMs = ptsUs / 1000;
    const last = state.frame;
    if (last === null) {
      state.nowMs = Math.max(state.nowMs, captureMs);
      state.frame = { epoch, captureMs, ptsMs, offsetMs: captureMs - ptsMs, nowMs: state.nowMs };
    } else {
      const { elapsedMs: told, offsetMs } = elapsed(last, epoch, captureMs, ptsMs);
      const elapsedMs = Math.max(0, told);
      const frameMs = last.nowMs + elapsedMs;
      // If a tick is ahead of the frames, the frames catch up while time goes on slowly: if time stood still, moving objects would be
      // lost.
      state.nowMs = Math.max(frameMs, state.nowMs + Math.min(elapsedMs / 2, mostSlowMs));
      state.frame = { epoch, captureMs, ptsMs, offsetMs, nowMs: frameMs };
    }
    state.time = time;
    state.hostEntry = false;
    const now = this.#now();
    state.recentFrames = [...state.recentFrames.slice(-1), now];
    return now;
  }

  /** Something other than a frame happened. */
  host(time: Timestamp | undefined, what: keyof typeof mostAfterFrameMs): Instant {
    const state = this.#state;
    const next = time ?? state.time;
    const elapsedMs = Math.max(0, fromTimestamp(next) - fromTimestamp(state.time));
    state.nowMs += state.hostEntry ? elapsedMs : Math.min(elapsedMs, mostAfterFrameMs[what]);
    state.time = next;
    state.hostEntry = true;
    return this.#now();
  }

  /**
   * The wall clock's time at an earlier moment: exact for the last two frames, otherwise computed from the time that has passed since.
   */
  timeAt(ms: number): Timestamp {
    const frame = this.#state.recentFrames.findLast((candidate) => candidate.ms === ms);
    return frame?.time ?? toTimestamp(fromTimestamp(this.#state.time) - (this.#state.nowMs - ms));
  }

  snapshot(): ClockState {
    return structuredClone(this.#state);
  }

  #now(): Instant {
    return { ms: this.#state.nowMs, time: { ...this.#state.time } };
  }
}

function elapsed(
  last: NonNullable<ClockState["frame"]>,
  epoch: string,
  captureMs: number,
  ptsMs: number,
): { elapsedMs: number; offsetMs: number } {
  const offsetMs = captureMs - ptsMs;
  const byCapture = captureMs - last.captureMs;
  if (epoch !== last.epoch) return { elapsedMs: byCapture, offsetMs };
  const byPts = ptsMs - last.ptsMs;
  const stepsAgree = Math.abs(byCapture - byPts) <= clockToleranceMs;
  if (stepsAgree && Math.abs(offsetMs - last.offsetMs) <= clockToleranceMs) {
    return { elapsedMs: byCapture, offsetMs: last.offsetMs };
  }
  const standStill = byPts === 0 && byCapture > 0;
  const ptsWereSet = byPts < 0 || standStill || (byCapture >= 0 && byPts > byCapture + clockToleranceMs);
  if (ptsWereSet) return { elapsedMs: byCapture, offsetMs };
  return { elapsedMs: byPts, offsetMs: last.offsetMs };
}
