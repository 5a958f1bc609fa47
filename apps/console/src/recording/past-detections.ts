import type { HttpAnalysedFrame, HttpAnalysedFramePage } from "@sightline/contracts";
import { analysedAt, holdMs } from "../live/detection-times.ts";

/** Detections are there for so long ahead of what is shown. */
const aheadMs = 15_000;
/** What was shown longer ago is forgotten. */
const behindMs = 60_000;
/** Analysed frames this far from what is shown say that the time is kept, though none belongs to the picture. */
const nearMs = 10_000;
/** After the newest, and after a failure, more is asked for no sooner. */
const retryMs = 3_000;

/** What is known of a time: `none` when no analysed frame is kept of it. */
export type Knowledge = "known" | "none" | "unknown";

/** One page of analysed frames from a time on, by time. */
export type PageSource = (
  fromMs: number,
  pageToken: string,
  signal: AbortSignal,
) => Promise<HttpAnalysedFramePage>;

/** What was detected in the past, of one camera, fetched page by page ahead of what is shown. */
export class PastDetections {
  readonly #source: PageSource;
  readonly #onChange: (fault: unknown) => void;
  #frames: HttpAnalysedFrame[] = [];
  /** What is known: from here on and up to there. */
  #from = 0;
  #until = Number.NEGATIVE_INFINITY;
  /** The beginning of what is asked for, and of its pages the next. */
  #asked = 0;
  #token = "";
  #wanted = 0;
  #notBefore = 0;
  #fetching: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** `onChange` is called when more is known, or with what failed. */
  constructor(source: PageSource, onChange: (fault: unknown) => void) {
    this.#source = source;
    this.#onChange = onChange;
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#fetching?.abort();
    this.#fetching = undefined;
  }

  /** The frame whose boxes belong to the picture of a capture time; undefined when there is none. */
  at(captureMs: number): HttpAnalysedFrame | undefined {
    return analysedAt(this.#frames, captureMs);
  }

  /** Whether it is known what was detected about a time. */
  knowledge(captureMs: number): Knowledge {
    const isNear = ({ captureTimeMs }: HttpAnalysedFrame) => Math.abs(captureTimeMs - captureMs) < nearMs;
    if (this.#frames.some(isNear)) return "known";
    return captureMs >= this.#from && captureMs <= this.#until ? "none" : "unknown";
  }

  /** A picture of this capture time is shown: sees to it that detections are there from now on. */
  want(captureMs: number): void {
    this.#wanted = captureMs;
    if (captureMs < this.#from || captureMs > this.#until + aheadMs) this.#restart(captureMs - holdMs);
    this.#fetch();
  }

  #restart(fromMs: number): void {
    // What is being fetched may be just that.
    if (this.#fetching && fromMs >= this.#from && fromMs - this.#asked <= aheadMs) return;
    this.stop();
    this.#frames = [];
    this.#from = this.#asked = fromMs;
    this.#until = fromMs;
    this.#token = "";
    this.#notBefore = 0;
  }

  #fetch(): void {
    if (this.#fetching || this.#until >= this.#wanted + aheadMs) return;
    const waits = this.#notBefore - performance.now();
    clearTimeout(this.#retry);
    if (waits > 0) {
      this.#retry = setTimeout(() => this.#fetch(), waits);
      return;
    }
    const fetching = new AbortController();
    this.#fetching = fetching;
    const askedAt = Date.now();
    this.#source(this.#asked, this.#token, fetching.signal).then(
      (page) => {
        if (fetching.signal.aborted) return;
        this.#fetching = undefined;
        this.#take(page, askedAt);
        this.#onChange(undefined);
        this.#fetch();
      },
      (error) => {
        if (fetching.signal.aborted) return;
        this.#fetching = undefined;
        this.#notBefore = performance.now() + retryMs;
        this.#token = "";
        this.#asked = Math.max(this.#asked, this.#until);
        this.#onChange(error);
        this.#fetch();
      },
    );
  }

  #take({ frames, nextPageToken }: HttpAnalysedFramePage, askedAt: number): void {
    const known = new Set(this.#frames.map(({ epoch, number }) => `${epoch} ${number}`));
    this.#frames.push(...frames.filter(({ epoch, number }) => !known.has(`${epoch} ${number}`)));
    this.#frames.sort((a, b) => a.captureTimeMs - b.captureTimeMs);
    const newest = this.#frames.at(-1)?.captureTimeMs;
    if (newest !== undefined) this.#until = Math.max(this.#until, newest);
    this.#token = nextPageToken;
    if (nextPageToken === "") {
      // That is all up to now; what is analysed later comes after the newest.
      this.#until = Math.max(this.#until, askedAt - nearMs);
      this.#asked = newest ?? this.#asked;
      this.#notBefore = performance.now() + retryMs;
    }
    const oldest = this.#wanted - behindMs;
    const gone = this.#frames.findIndex(({ captureTimeMs }) => captureTimeMs >= oldest);
    if (gone > 0) {
      this.#frames.splice(0, gone);
      this.#from = Math.max(this.#from, oldest);
    }
  }
}
