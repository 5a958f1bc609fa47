import type { HttpEvent } from "@sightline/contracts";
import { countEvents, type EventFilter, listEvents, listRecordingSpans } from "../api/calls.ts";
import { RequestError } from "../api/request.ts";
import { joined, type Window } from "../recording/timeline-scale.ts";
import type { Counted } from "../recording/timeline-strip.tsx";

/** More events than these are counted by the hour: each would be less than a pixel wide. */
const mostShown = 300;
const hourMs = 3_600_000;
/** Events are fetched again one by one when so much smaller a part of the time is shown. */
const closer = 0.5;

/** What is known of a camera in a span of time. */
export interface RowData {
  window: Window;
  recorded: Window[];
  events: HttpEvent[];
  /** By the hour, where there are too many events to show each. */
  counted: Counted[];
}

/** The filter that lets all events of a camera through. */
export function eventsOf(camera: string): EventFilter {
  return { camera, type: "", class: "", zone: "" };
}

/** Whether what is known will do for a window. */
export function suffices(known: RowData | undefined, window: Window): boolean {
  if (!known || window.fromMs < known.window.fromMs || window.toMs > known.window.toMs) return false;
  const share = (window.toMs - window.fromMs) / (known.window.toMs - known.window.fromMs);
  return known.counted.length === 0 || share > closer;
}

/** Asks for what is recorded of a camera and what happened there: by the hour first, since that is little. */
export async function fetchRow(camera: string, window: Window, signal: AbortSignal): Promise<RowData> {
  const [recorded, counted] = await Promise.all([
    spansOf(camera, window, signal),
    countsOf(camera, window, signal),
  ]);
  const total = counted.reduce((sum, { events }) => sum + events, 0);
  if (total > mostShown) return { window, recorded, events: [], counted };
  if (total === 0) return { window, recorded, events: [], counted: [] };
  const range = { from: window.fromMs, to: window.toMs, pageSize: mostShown };
  const { events } = await listEvents({ camera }, range, signal);
  return { window, recorded, events, counted: [] };
}

async function spansOf(camera: string, window: Window, signal: AbortSignal): Promise<Window[]> {
  try {
    return joined((await listRecordingSpans(camera, window, signal)).spans);
  } catch (error) {
    if (error instanceof RequestError && error.code === "recording_not_found") return [];
    throw error;
  }
}

/** Events by the hour. Where there are more than the server counts at once, half of the time each is counted. */
async function countsOf(camera: string, window: Window, signal: AbortSignal): Promise<Counted[]> {
  const { fromMs, toMs } = window;
  try {
    const { counts } = await countEvents(eventsOf(camera), fromMs, ["hour"], signal, toMs);
    return counts.map(({ hour, events }) => {
      const start = Date.parse(hour ?? "");
      return { fromMs: start, toMs: start + hourMs, events };
    });
  } catch (error) {
    const middle = Math.floor((fromMs + toMs) / 2 / hourMs) * hourMs;
    const isTooMuch = error instanceof RequestError && error.code === "invalid_argument";
    if (!isTooMuch || middle <= fromMs) throw error;
    const halves = [
      { fromMs, toMs: middle },
      { fromMs: middle, toMs },
    ];
    return (await Promise.all(halves.map((half) => countsOf(camera, half, signal)))).flat();
  }
}

/** Does tasks a few at a time, in the order in which they were given; those that are not wanted any more are left out. */
export class RequestQueue {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `most` at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Does a task when it is its turn. @throws what the task throws, or the signal's reason when it was given up before */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    // Whoever ends hands its place on, so that nobody comes in between.
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#running++;
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#running--;
    }
  }
}
