import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { describeFailure } from "../api/request.ts";
import { pathOfCamera, siteOf } from "../events/seen-names.ts";
import { TimelineStrip } from "../recording/timeline-strip.tsx";
import type { CameraState } from "../state/cameras.ts";
import { fetchRow, RequestQueue, type RowData, suffices } from "./row-data.ts";
import type { Timeline } from "./use-timeline.ts";

/** Rows of all cameras ask together for no more than this at a time. */
const queue = new RequestQueue(4);
/** The window may change many times a second while somebody zooms. */
const calmMs = 150;

/** Of the window, what one key moves. */
const scrubShare = 0.01;

interface Props {
  id: string;
  /** Undefined of a camera that is not registered any more, or is of a site. */
  state?: CameraState;
  timeline: Timeline;
  /** Where the mouse is told, for all rows. */
  pointed: Signal<number | undefined>;
}

/** One camera's time. What is shown in it is asked for when the row comes into view. */
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

/** What is to be said of a camera's recording; empty when there is nothing out of the ordinary. */
function recordingWords({ camera }: CameraState): string {
  const { recording } = camera.value.status;
  if (!recording) return "";
  if (recording.message !== "") return recording.message;
  return recording.mode === "off" ? "Recording is off" : "";
}

/** Does what a key on a strip says, but for what all strips do; false when it says nothing. */
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

/** Gives the focus to the strip of the row above or below. */
function focusBeside(target: EventTarget | null, by: -1 | 1): void {
  const row = target instanceof Element ? target.closest(".timeline-row") : null;
  const other = by < 0 ? row?.previousElementSibling : row?.nextElementSibling;
  other?.querySelector<HTMLElement>(".timeline")?.focus();
}
