import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { describeFailure } from "../api/request.ts";
import { pathOfCamera, siteOf } from "../events/seen-names.ts";
import { TimelineStrip } from "../recording/timeline-strip.tsx";
import type { CameraState } from "../state/cameras.ts";
import { fetchRow, RequestQueue, type RowData, suffices } from "./row-data.ts";
import type { Timeline } from "./use-timeline.ts";

/** The rows of all cameras together make at most this many requests at a time. */
const queue = new RequestQueue(4);
/** The window may change many times a second while the user zooms. */
const calmMs = 150;

/** The share of the window that one key press moves. */
const scrubShare = 0.01;

interface Props {
  id: string;
  /** Undefined for a camera that is no longer registered, or belongs to a site. */
  state?: CameraState;
  timeline: Timeline;
  /** The time under the mouse, shared by all rows. */
  pointed: Signal<number | undefined>;
}

/** One camera's row. Its data is requested when the row comes into view. */
export function TimelineRow({ id, state, timeline, pointed }: Props) {
  const window = timeline.window.value;
  const playing = timeline.camera.value === id;
  const row = useRef<HTMLLIElement>(null);
  const visible = useSignal(false);
  const known = useSignal<RowData | undefined>(undefined);
  const fault = useSignal("");

  useEffect(() => {
    const { current: element } = row;
    if (!element) return undefined;
    const scrolled = new IntersectionObserver((entries) => {
      visible.value = entries.at(-1)?.isIntersecting ?? false;
    });
    scrolled.observe(element);
    return () => scrolled.disconnect();
  }, []);
  useEffect(() => {
    if (!visible.value || suffices(known.peek(), window)) return undefined;
    const aborted = new AbortController();
    const { signal } = aborted;
    const timer = setTimeout(() => {
      queue
        .run(() => fetchRow(id, window, signal), signal)
        .then(
          (data) => {
            if (signal.aborted) return;
            known.value = data;
            fault.value = "";
          },
          (error) => {
            if (!signal.aborted) fault.value = describeFailure(error);
          },
        );
    }, calmMs);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  }, [id, visible.value, window.fromMs, window.toMs]);

  const data = known.value;
  const note = fault.value || (state ? recordingWords(state) : whereaboutsOf(id));
  return (
    <li
      ref={row}
      class={playing ? "timeline-row playing" : "timeline-row"}
      data-testid={`timeline-${id}`}
      aria-busy={visible.value && !suffices(data, window) && fault.value === ""}
    >
      <div class="timeline-name">
        <a href={pathOfCamera(id)}>{id}</a>
        {note !== "" && (
          <span class="note" title={note}>
            {note}
          </span>
        )}
      </div>
      <TimelineStrip
        label={`Timeline of camera ${id}`}
        window={window}
        recorded={data?.recorded ?? []}
        events={data?.events ?? []}
        counted={data?.counted ?? []}
        at={playing ? timeline.at.value : undefined}
        hours={false}
        onChoose={(ms) => timeline.choose(id, ms, known.peek())}
        onStep={(direction) => timeline.step(id, direction, known.peek())}
        onKey={(press) => takeKey(press, id, timeline, known.peek())}
        onDrag={(ms) => timeline.drag(id, ms)}
        onPoint={(ms) => {
          pointed.value = ms;
        }}
      />
    </li>
  );
}

/** Why a camera is not registered here. */
function whereaboutsOf(id: string): string {
  const site = siteOf(id);
  return site === undefined ? "Removed" : `Of site ${site}: video stays there`;
}

/** A message about a camera's recording; empty when all is normal. */
function recordingWords({ camera }: CameraState): string {
  const { recording } = camera.value.status;
  if (!recording) return "";
  if (recording.message !== "") return recording.message;
  return recording.mode === "off" ? "Recording is off" : "";
}

/** Handles a key on a strip, except the keys that all strips handle; false when the key has no meaning. */
function takeKey(press: KeyboardEvent, id: string, timeline: Timeline, known: RowData | undefined): boolean {
  const { key, shiftKey, target } = press;
  if (press.ctrlKey || press.metaKey || press.altKey) return false;
  if (shiftKey && (key === "ArrowLeft" || key === "ArrowRight"))
    timeline.scrub(id, key === "ArrowLeft" ? -scrubShare : scrubShare, known);
  else if (key === "ArrowUp" || key === "ArrowDown") focusBeside(target, key === "ArrowUp" ? -1 : 1);
  else if (key === " ") timeline.toggle(id, known);
  else if (key === "+" || key === "=") timeline.zoom(0.5);
  else if (key === "-") timeline.zoom(2);
  else if (key === "PageUp") timeline.pan(-0.75);
  else if (key === "PageDown") timeline.pan(0.75);
  else return false;
  return true;
}

/** Moves the focus to the strip of the row above or below. */
function focusBeside(target: EventTarget | null, by: -1 | 1): void {
  const row = target instanceof Element ? target.closest(".timeline-row") : null;
  const other = by < 0 ? row?.previousElementSibling : row?.nextElementSibling;
  other?.querySelector<HTMLElement>(".timeline")?.focus();
}
