import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { unregisteredCameras, useSeenNames } from "../events/seen-names.ts";
import { Page } from "../shell/page.tsx";
import { cameras } from "../state/cameras.ts";
import { useSystem } from "../state/system.ts";
import { ScaleLines } from "./scale-lines.tsx";
import { TimelinePlayer } from "./timeline-player.tsx";
import { TimelineRow } from "./timeline-row.tsx";
import { type Timeline, useTimeline } from "./use-timeline.ts";

/** The recordings and events of all cameras on one scale, with a player. Camera and time are in the address, so that it can be shared. */
export function TimelinePage({ query }: { query: URLSearchParams }) {
  const timeline = useTimeline(query);
  const pointed = useSignal<number | undefined>(undefined);
  const list = useRef<HTMLUListElement>(null);
  useSystem();
  useSeenNames();
  const all = cameras.value;
  const others = unregisteredCameras();
  const isEmpty = all !== undefined && all.length + others.length === 0;
  useWheel(list, timeline, all === undefined || isEmpty);
  return (
    <Page title="Timeline" className="timeline-page">
      <TimelinePlayer timeline={timeline} />
      <div class="buttons">
        <button type="button" onClick={() => timeline.pan(-0.75)}>
          ← Earlier
        </button>
        <button type="button" disabled={timeline.newest.value} onClick={() => timeline.pan(0.75)}>
          Later →
        </button>
        <button type="button" aria-label="Zoom in" onClick={() => timeline.zoom(0.5)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => timeline.zoom(2)}>
          −
        </button>
        <button type="button" onClick={() => timeline.showLastDay()}>
          The last 24 hours
        </button>
      </div>
      {isEmpty && <p class="note">There are no cameras to show.</p>}
      {all && !isEmpty && (
        <div class="timelines">
          <ScaleLines timeline={timeline} pointed={pointed} />
          <ul ref={list} aria-label="Cameras">
            {all.map((state) => (
              <TimelineRow key={state.id} id={state.id} state={state} timeline={timeline} pointed={pointed} />
            ))}
            {others.map((id) => (
              <TimelineRow key={id} id={id} timeline={timeline} pointed={pointed} />
            ))}
          </ul>
        </div>
      )}
      <p class="note">
        Upper row: events; where there are many, how many in each hour. Lower row: what is kept. Click to
        play. Keys: ← and → go from event to event, with Shift a little, ↑ and ↓ from camera to camera, Space
        plays and stops, + and − zoom, Page up and Page down move in time.
      </p>
    </Page>
  );
}

/** Over a strip, the wheel with Ctrl zooms, as pinching does, and the sideways wheel moves in time. */
function useWheel(list: { current: HTMLElement | null }, timeline: Timeline, isEmpty: boolean): void {
  useEffect(() => {
    const { current: element } = list;
    if (!element) return undefined;
    const onWheel = (wheel: WheelEvent) => {
      const strip = wheel.target instanceof Element ? wheel.target.closest(".timeline") : null;
      if (!strip || (!wheel.ctrlKey && Math.abs(wheel.deltaX) <= Math.abs(wheel.deltaY))) return;
      // Otherwise the page would zoom, or the browser would go back.
      wheel.preventDefault();
      const { left, width } = strip.getBoundingClientRect();
      const { fromMs, toMs } = timeline.window.peek();
      if (!wheel.ctrlKey) return timeline.pan(wheel.deltaX / width);
      const around = fromMs + ((wheel.clientX - left) / width) * (toMs - fromMs);
      timeline.zoom(wheel.deltaY < 0 ? 0.8 : 1.25, around);
    };
    element.addEventListener("wheel", onWheel, { passive: false });
    return () => element.removeEventListener("wheel", onWheel);
  }, [isEmpty]);
}
