import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { describeFailure } from "../api/request.ts";
import { askBeside } from "../events/neighbours.ts";
import {
  dayMs,
  eventBeside,
  isIn,
  leadMs,
  panned,
  playableFrom,
  playedMs,
  type Stepped,
  showing,
  stepFrom,
  type Window,
  zoomed,
} from "../recording/timeline-scale.ts";
import { navigate } from "../routing/navigation.ts";
import { timelinePath } from "../routing/route.ts";
import { formatDayTime } from "../words/numbers-and-times.ts";
import { eventsOf, type RowData } from "./row-data.ts";

/** How often new data is requested while the newest time is shown. */
const refreshMs = 60_000;
/** While the user drags along a row, the player seeks no more often than this. */
const dragMs = 120;
/** If nothing was chosen, playback starts this long before the newest time. */
const recentMs = 5 * 60_000;

export type Direction = "previous" | "next";

/** State and actions of the page with all cameras' timelines. Times are milliseconds since 1970. */
export interface Timeline {
  window: ReadonlySignal<Window>;
  /** Whether the newest time is shown, and the window follows it. */
  newest: ReadonlySignal<boolean>;
  /** The camera and time that are chosen or played. */
  camera: ReadonlySignal<string | undefined>;
  at: ReadonlySignal<number | undefined>;
  /** The range in the player; undefined for none. */
  playing: ReadonlySignal<Window | undefined>;
  seek: ReadonlySignal<{ ms: number } | undefined>;
  video: RefObject<HTMLVideoElement | null>;
  /** Result of the last choice, in words; empty when it is visible. */
  said: ReadonlySignal<string>;
  /** Plays a camera from a time, or from the start of its next recording. `known` is the data of its row. */
  choose(camera: string, ms: number, known?: RowData): void;
  /** Shows the player's picture of a time while the user drags along the camera's row. */
  drag(camera: string, ms: number): void;
  /** Plays the event before or after. */
  step(camera: string, direction: Direction, known?: RowData): void;
  /** Plays or pauses. */
  toggle(camera: string, known?: RowData): void;
  /** Moves the played time by a share of the window. */
  scrub(camera: string, share: number, known?: RowData): void;
  /** Shows `factor` times as much time; the time `around` stays in place. */
  zoom(factor: number, around?: number): void;
  /** Moves the window by a share of its length. */
  pan(share: number): void;
  showLastDay(): void;
  /** The player shows a picture captured at this time. */
  played(ms: number): void;
}

/** The state of the page, starting from its address. */
export function useTimeline(query: URLSearchParams): Timeline {
  const asked = momentOf(query);
  const window = useSignal<Window>(windowAbout(asked?.ms));
  const newest = useSignal(endsNow(window.peek()));
  const camera = useSignal<string | undefined>(asked?.camera);
  const at = useSignal<number | undefined>(asked?.ms);
  const playing = useSignal<Window | undefined>(asked && rangeFrom(asked.ms));
  const seek = useSignal<{ ms: number } | undefined>(undefined);
  const said = useSignal("");
  const video = useRef<HTMLVideoElement>(null);
  const written = useRef(query.toString());
  const stepped = useRef<Stepped | undefined>(undefined);
  const dragged = useRef(0);
  const stepping = useRef<AbortController | undefined>(undefined);

  const show = (next: Window) => {
    window.value = next;
    newest.value = endsNow(next);
  };
  const write = (ms: number, of: string) => {
    const path = timelinePath(of, ms);
    written.current = new URLSearchParams(path.slice(path.indexOf("?"))).toString();
    navigate(path, { replace: true });
  };
  const play = (of: string, ms: number) => {
    const isThere = camera.peek() === of && isIn(playing.peek(), ms);
    said.value = "";
    camera.value = of;
    at.value = ms;
    seek.value = { ms };
    if (!isThere) playing.value = rangeFrom(ms);
    show(showing(window.peek(), ms, Date.now()));
  };
  const choose = (of: string, ms: number, known?: RowData) => {
    const fromMs = known && isIn(known.window, ms) ? playableFrom(known.recorded, ms) : ms;
    if (fromMs !== undefined) play(of, fromMs);
    else {
      camera.value = of;
      at.value = ms;
      playing.value = undefined;
      said.value = `Nothing is kept of ${of} from ${formatDayTime(new Date(ms).toISOString())} on.`;
    }
    write(fromMs ?? ms, of);
  };
  const step = async (of: string, direction: Direction, known?: RowData) => {
    const around = stepFrom(at.peek(), window.peek(), direction, stepped.current);
    stepping.current?.abort();
    stepping.current = new AbortController();
    const { signal } = stepping.current;
    try {
      const isKnown = known && known.counted.length === 0 && isIn(known.window, around);
      const event =
        (isKnown && eventBeside(known.events, around, direction)) ||
        (await askBeside(eventsOf(of), around, direction, signal));
      if (signal.aborted) return;
      if (event) {
        const startMs = Date.parse(event.startTime);
        choose(of, startMs - leadMs, known);
        stepped.current = { startMs, fromMs: at.peek() ?? startMs };
      } else said.value = `${of} has no ${direction === "next" ? "later" : "earlier"} event.`;
    } catch (error) {
      if (!signal.aborted) said.value = describeFailure(error);
    }
  };
  const pan = (share: number) => show(panned(window.peek(), share, Date.now()));

  useEffect(() => {
    // Back, forward, or a link to another time.
    if (query.toString() === written.current) return;
    written.current = query.toString();
    const moment = momentOf(query);
    if (moment) play(moment.camera, moment.ms);
  }, [query]);
  useEffect(() => {
    if (!newest.value) return undefined;
    const timer = setInterval(() => {
      const { fromMs, toMs } = window.peek();
      pan((Date.now() - toMs) / (toMs - fromMs));
    }, refreshMs);
    return () => clearInterval(timer);
  }, [newest.value]);
  useEffect(() => () => stepping.current?.abort(), []);

  return {
    ...{ window, newest, camera, at, playing, seek, video, said, choose, pan },
    step: (of, direction, known) => void step(of, direction, known),
    drag(of, ms) {
      const now = performance.now();
      if (camera.peek() !== of || !isIn(playing.peek(), ms) || now - dragged.current < dragMs) return;
      dragged.current = now;
      at.value = ms;
      seek.value = { ms };
    },
    toggle(of, known) {
      const { current: element } = video;
      const { fromMs, toMs } = window.peek();
      if (camera.peek() !== of || !element) choose(of, at.peek() ?? Math.max(fromMs, toMs - recentMs), known);
      else if (element.paused) void element.play().catch(() => undefined);
      else element.pause();
    },
    scrub(of, share, known) {
      const { fromMs, toMs } = window.peek();
      choose(of, Math.min(Date.now(), (at.peek() ?? toMs) + share * (toMs - fromMs)), known);
    },
    zoom(factor, around) {
      const { fromMs, toMs } = window.peek();
      const moment = at.peek();
      const isSeen = moment !== undefined && isIn(window.peek(), moment);
      // A user who looks at the newest time wants to see more of it.
      const usual = isSeen ? moment : newest.peek() ? toMs : (fromMs + toMs) / 2;
      show(zoomed(window.peek(), factor, around ?? usual, Date.now()));
    },
    showLastDay: () => show(windowAbout(undefined)),
    played: (ms) => {
      at.value = ms;
    },
  };
}

/** The camera and time in an address; undefined when there are none. */
function momentOf(query: URLSearchParams): { camera: string; ms: number } | undefined {
  const camera = query.get("camera") ?? "";
  const ms = Date.parse(query.get("at") ?? "");
  return camera === "" || Number.isNaN(ms) ? undefined : { camera, ms };
}

/** A day that contains a time: the last day, or another if the time is long past. */
function windowAbout(ms: number | undefined): Window {
  const now = Date.now();
  const last = { fromMs: now - dayMs, toMs: now };
  return ms === undefined ? last : showing(last, Math.min(ms, now), now);
}

function endsNow({ toMs }: Window): boolean {
  return Date.now() - toMs < refreshMs;
}

function rangeFrom(fromMs: number): Window {
  return { fromMs, toMs: Math.max(fromMs + 1_000, Math.min(fromMs + playedMs, Date.now())) };
}
