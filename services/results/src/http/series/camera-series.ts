import {
  dropReasonLabel,
  dropReasons,
  type FrameDetections,
  type HttpFigures,
  type HttpSample,
} from "@sightline/contracts";
import type { FrameLatency } from "../../frame-latencies.ts";
import { type LedgerSpan, spread } from "./ledger-difference.ts";
import { OpenSecond, percentiles, stageNames } from "./open-second.ts";

/** Length of a series in seconds. */
export const seriesSeconds = 900;

/** Most seconds for a joint latency; the latencies of single frames are kept this long. */
const togetherSeconds = 16;

const counters = 2 + dropReasons.length;
const dropNames = dropReasons.map(dropReasonLabel);

/** One second of a camera, with what only the diagnosis needs. */
export interface SeriesSample extends HttpSample {
  /** See OpenSecond.offset; null without frames. */
  offsetMs: number | null;
}

/**
 * The last 15 minutes of one camera by the second, in a ring of fixed size (about 75 kB). Seconds are counted since 1970. Percentiles are
 * exact, because the latencies of the last seconds' frames are kept.
 */
export class CameraSeries {
  /** The second in each slot; 0 when it is empty. */
  readonly #seconds = new Float64Array(seriesSeconds);
  readonly #counts = new Uint32Array(seriesSeconds * counters);
  readonly #percentiles = new Float32Array(seriesSeconds * 3);
  readonly #stages = new Float32Array(seriesSeconds * stageNames.length);
  readonly #offsets = new Float32Array(seriesSeconds);
  readonly #tracks = new Uint16Array(seriesSeconds);
  readonly #closed: OpenSecond[] = [];
  #open: OpenSecond | undefined;
  #first = Number.POSITIVE_INFINITY;
  #newest = 0;

  /** A frame was delivered at `now`, in milliseconds since 1970. */
  frame(event: FrameDetections, now: number, latency: FrameLatency | undefined): void {
    const second = Math.floor(now / 1000);
    if (this.#open && this.#open.second < second) this.#close();
    this.#open ??= new OpenSecond(second);
    this.#open.add(event, latency);
  }

  /** The ledger has grown. */
  grow({ counts, from, to }: LedgerSpan): void {
    const oldest = Math.max(from, to - seriesSeconds * 1000);
    for (const [index, count] of counts.entries())
      for (const [second, part] of spread(count, oldest, to)) {
        const slot = this.#slot(second);
        if (slot !== undefined) this.#counts[slot * counters + index]! += part;
      }
  }

  /** The seconds from `first` to `last`, oldest first; none from before the camera's first data. */
  read(first: number, last: number): SeriesSample[] {
    if (this.#open && this.#open.second <= last) this.#close();
    const begin = Math.max(first, this.#first, last - seriesSeconds + 1);
    const samples: SeriesSample[] = [];
    for (let second = begin; second <= last; second++) samples.push(this.#sample(second));
    return samples;
  }

  /** Latencies of all frames in the seconds from `first` to `last`, at most 16 seconds; null without frames. */
  latency(first: number, last: number): HttpFigures["latencyMs"] {
    if (this.#open && this.#open.second <= last) this.#close();
    const seconds = this.#closed.filter(({ second }) => second >= first && second <= last);
    return toLatency(percentiles(seconds.flatMap(({ latencies }) => latencies)));
  }

  #close(): void {
    const open = this.#open!;
    this.#open = undefined;
    this.#closed.push(open);
    while (this.#closed[0]!.second <= open.second - togetherSeconds) this.#closed.shift();
    const slot = this.#slot(open.second);
    if (slot === undefined) return;
    this.#percentiles.set(percentiles(open.latencies), slot * 3);
    this.#stages.set(open.stageMeans(), slot * stageNames.length);
    this.#offsets[slot] = open.offset;
    this.#tracks[slot] = open.tracks;
  }

  /** The slot of a second, cleared if it held another one; undefined when the second is too old for the ring. */
  #slot(second: number): number | undefined {
    if (second <= this.#newest - seriesSeconds) return undefined;
    this.#newest = Math.max(this.#newest, second);
    this.#first = Math.min(this.#first, second);
    const slot = second % seriesSeconds;
    if (this.#seconds[slot] !== second) {
      this.#seconds[slot] = second;
      this.#counts.fill(0, slot * counters, (slot + 1) * counters);
      this.#percentiles.fill(Number.NaN, slot * 3, (slot + 1) * 3);
      this.#stages.fill(0, slot * stageNames.length, (slot + 1) * stageNames.length);
      this.#offsets[slot] = Number.NaN;
      this.#tracks[slot] = 0;
    }
    return slot;
  }

  #sample(second: number): SeriesSample {
    const slot = second % seriesSeconds;
    if (this.#seconds[slot] !== second) return emptySample(second);
    const [captured = 0, inferred = 0, ...dropped] = this.#counts.subarray(
      slot * counters,
      (slot + 1) * counters,
    );
    const latencyMs = toLatency(this.#percentiles.subarray(slot * 3, (slot + 1) * 3));
    const stages = this.#stages.subarray(slot * stageNames.length, (slot + 1) * stageNames.length);
    const delivered = latencyMs !== null;
    return {
      timeMs: second * 1000,
      captured,
      inferred,
      dropped: Object.fromEntries(
        dropNames.flatMap((name, index) => (dropped[index] ? [[name, dropped[index]]] : [])),
      ),
      latencyMs,
      stagesMs: delivered
        ? Object.fromEntries(stageNames.map((name, index) => [name, round(stages[index] ?? 0)]))
        : {},
      tracks: this.#tracks[slot] ?? 0,
      offsetMs: delivered ? round(this.#offsets[slot] ?? 0) : null,
    };
  }
}

function emptySample(second: number): SeriesSample {
  return {
    timeMs: second * 1000,
    captured: 0,
    inferred: 0,
    dropped: {},
    latencyMs: null,
    stagesMs: {},
    tracks: 0,
    offsetMs: null,
  };
}

function toLatency([p50 = Number.NaN, p95 = 0, p99 = 0]: Iterable<number>): HttpFigures["latencyMs"] {
  return Number.isNaN(p50) ? null : { p50: round(p50), p95: round(p95), p99: round(p99) };
}

/** Rounds to hundredths of a millisecond. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 100) / 100;
}

/** Frames that should not be analysed are not lost. */
const intended = new Set(["sampled_out", "no_motion"]);

/**
 * Summary of a camera's last seconds, oldest first. Pages and findings both use it, so that they agree. `latencyMs` is the latency of all
 * their frames. Null while there is no second yet.
 */
export function figuresOf(
  samples: readonly HttpSample[],
  latencyMs: HttpFigures["latencyMs"],
): HttpFigures | null {
  const newest = samples.at(-1);
  if (!newest) return null;
  const captured = sum(samples, (sample) => sample.captured);
  const inferred = sum(samples, (sample) => sample.inferred);
  const lost = sum(samples, ({ dropped }) => lostFrames(dropped));
  return {
    seconds: samples.length,
    capturedFps: captured / samples.length,
    inferredFps: inferred / samples.length,
    lostShare: lost + inferred > 0 ? lost / (lost + inferred) : 0,
    latencyMs,
    tracks: newest.tracks,
  };
}

function lostFrames(dropped: Readonly<Record<string, number>>): number {
  return Object.entries(dropped).reduce(
    (total, [reason, count]) => total + (intended.has(reason) ? 0 : count),
    0,
  );
}

function sum(samples: readonly HttpSample[], of: (sample: HttpSample) => number): number {
  return samples.reduce((total, sample) => total + of(sample), 0);
}
