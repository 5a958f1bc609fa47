import type { HttpAnalysedFrame, HttpAnalysedFramePage } from "@sightline/contracts";
import { analysedAt, holdMs } from "../live/detection-times.ts";

/** Detections are fetched this far ahead of the shown picture. */
const aheadMs = 15_000;
/** Detections of pictures shown longer ago are dropped. */
const behindMs = 60_000;
/** If an analysed frame is this near, detections of that time are stored, even if none belongs to the picture. */
const nearMs = 10_000;
/** After the newest data, or a failure, the next request waits at least this long. */
const retryMs = 3_000;

/** What is known about a time: `none` when no analysed frame of it is stored. */
export type Knowledge = "known" | "none" | "unknown";

/** One page of analysed frames starting at a time, in order of time. */
export type PageSource = (
  fromMs: number,
  pageToken: string,
  signal: AbortSignal,
) => Promise<HttpAnalysedFramePage>;

/** Past detections of one camera, fetched page by page ahead of the shown picture. */
export class PastDetections {
  readonly #source: PageSource;
  readonly #onChange: (fault: unknown) => void;
  #frames: HttpAnalysedFrame[] = [];
  /** Start and end of the known range. */
  #from = 0;
  #until = Number.NEGATIVE_INFINITY;
  /** Start of the requested range, and its next page. */
  #asked = 0;
  #token = "";
  #wanted = 0;
  #notBefore = 0;
  #fetching: AbortController | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;

  /** `onChange` is called when more is known, or with the error of a failure. */
  constructor(source: PageSource, onChange: (fault: unknown) => void) {
    this.#source = source;
    this.#onChange = onChange;
  }

  stop(): void {
    clearTimeout(this.#retry);
    this.#fetching?.abort();
    this.#fetching = undefined;
  }

  /** The frame whose boxes belong to the picture with a capture time; undefined when there is none. */
  at(captureMs: number): HttpAnalysedFrame | undefined {
    return analysedAt(this.#frames, captureMs);
  }

  /** Whether the detections at a time are known. */
  knowledge(captureMs: number): Knowledge {
    const isNear = ({ captureTimeMs }: HttpAnalysedFrame) => Math.abs(captureTimeMs - captureMs) < nearMs;
    if (this.#frames.some(isNear)) return "known";
    return captureMs >= this.#from && captureMs <= this.#until ? "none" : "unknown";
  }

  /** A picture with this capture time is shown: makes sure that detections from then on are fetched. */
  want(captureMs: number): void {
    this.#wanted = captureMs;
    if (captureMs < this.#from || captureMs > this.#until + aheadMs) this.#restart(captureMs - holdMs);
    this.#fetch();
  }

  #restart(fromMs: number): void {
    // The running request may already cover it.
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
      // This is everything up to now; frames analysed later come after the newest.
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
