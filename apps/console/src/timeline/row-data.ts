import type { HttpEvent } from "@sightline/contracts";
import { countEvents, type EventFilter, listEvents, listRecordingSpans } from "../api/calls.ts";
import { RequestError } from "../api/request.ts";
import { joined, type Window } from "../recording/timeline-scale.ts";
import type { Counted } from "../recording/timeline-strip.tsx";

/** More events than this are counted by the hour: each would be narrower than a pixel. */
const mostShown = 300;
const hourMs = 3_600_000;
/** Events are fetched one by one again when the visible time shrinks to this share. */
const closer = 0.5;

/** What is known about a camera in a time range. */
export interface RowData {
  window: Window;
  recorded: Window[];
  events: HttpEvent[];
  /** By the hour, where there are too many events to show each one. */
  counted: Counted[];
}

/** The filter that accepts all events of a camera. */
export function eventsOf(camera: string): EventFilter {
  return { camera, type: "", class: "", zone: "" };
}

/** Whether the known data is enough for a window. */
export function suffices(known: RowData | undefined, window: Window): boolean {
  if (!known || window.fromMs < known.window.fromMs || window.toMs > known.window.toMs) return false;
  const share = (window.toMs - window.fromMs) / (known.window.toMs - known.window.fromMs);
  return known.counted.length === 0 || share > closer;
}

/** Requests a camera's recordings and events: first by the hour, since that is little data. */
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

/** Events by the hour. If there are more than the server counts at once, each half of the time is counted separately. */
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

/** Runs tasks a few at a time, in the order given; tasks that are no longer wanted are left out. */
export class RequestQueue {
  readonly #most: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** `most` tasks run at a time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Runs a task when it is its turn. @throws the task's error, or the signal's reason when it was given up before */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    // A finished task passes its place on, so that no other task takes it.
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
