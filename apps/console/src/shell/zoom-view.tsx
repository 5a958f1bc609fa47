import { useSignal } from "@preact/signals";
import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const steps = [1, 1.5, 2, 3, 4, 6];

interface Props {
  /** Width divided by height of the picture. */
  aspect: number;
  /** Maximum height, in CSS. */
  highest: string;
  /** Lies over the picture, whichever part of it is visible. */
  over?: ComponentChildren;
  /** Shown under the picture, on the left. */
  caption?: ComponentChildren;
  /** Buttons before the standard ones. */
  tools?: ComponentChildren;
  /** The picture; it fills its area. */
  children: ComponentChildren;
}

/** A picture with zoom, panning and full screen. */
export function ZoomView({ aspect, highest, over, caption, tools, children }: Props) {
  const zoom = useSignal(1);
  const frame = useRef<HTMLDivElement>(null);
  const scroll = useRef<HTMLDivElement>(null);
  /** The point of the picture that stays in place: in 0..1 of the picture, and of the visible part. */
  const hold = useRef({ picture: [0.5, 0.5], shown: [0.5, 0.5] });

  useLayoutEffect(() => {
    const { current: element } = scroll;
    const { picture, shown } = hold.current;
    element?.scrollTo(
      (picture[0] ?? 0) * element.scrollWidth - (shown[0] ?? 0) * element.clientWidth,
      (picture[1] ?? 0) * element.scrollHeight - (shown[1] ?? 0) * element.clientHeight,
    );
  }, [zoom.value]);
  useLayoutEffect(() => {
    const { current: element } = scroll;
    if (!element) return;
    const ended = new AbortController();
    const { signal } = ended;
    // Touchpads send this for pinching too. Not passive: otherwise the page itself would zoom.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !document.fullscreenElement) return;
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 1 : -1, event);
    };
    const drag = (event: PointerEvent) => {
      if (event.pointerType === "mouse" && (event.buttons & 1) === 1)
        element.scrollBy(-event.movementX, -event.movementY);
    };
    element.addEventListener("wheel", onWheel, { passive: false, signal });
    element.addEventListener("pointermove", drag, { signal });
    element.addEventListener("dblclick", (event) => zoomBy(event.shiftKey ? -1 : 1, event), { signal });
    return () => ended.abort();
  }, []);

  const zoomBy = (by: number, at?: { clientX: number; clientY: number }) => {
    const { current: element } = scroll;
    const next = steps[steps.indexOf(zoom.peek()) + by];
    if (!element || next === undefined) return;
    const place = element.getBoundingClientRect();
    const shown = at
      ? [(at.clientX - place.left) / place.width, (at.clientY - place.top) / place.height]
      : [0.5, 0.5];
    hold.current = {
      shown,
      picture: [
        (element.scrollLeft + (shown[0] ?? 0) * element.clientWidth) / element.scrollWidth,
        (element.scrollTop + (shown[1] ?? 0) * element.clientHeight) / element.scrollHeight,
      ],
    };
    zoom.value = next;
  };
  const zoomed = zoom.value > 1;
  return (
    <div class="zoom" ref={frame}>
      <div class="picture-place" style={{ "--aspect": String(aspect), "--highest": highest }}>
        <div
          ref={scroll}
          class={zoomed ? "zoom-scroll zoomed" : "zoom-scroll"}
          {...(zoomed && { tabIndex: 0, role: "region", "aria-label": "Part of the picture" })}
        >
          <div class="zoom-content" style={{ width: `${zoom.value * 100}%`, height: `${zoom.value * 100}%` }}>
            {children}
          </div>
        </div>
        {over}
      </div>
      <div class="zoom-foot">
        <div class="note">{caption}</div>
        <div class="zoom-tools">
          {tools}
          <button
            type="button"
            class="small"
            aria-label="Zoom out"
            disabled={!zoomed}
            onClick={() => zoomBy(-1)}
          >
            −
          </button>
          <button
            type="button"
            class="small"
            aria-label="Zoom in"
            disabled={zoom.value === steps.at(-1)}
            onClick={() => zoomBy(1)}
          >
            +
          </button>
          <FullScreenButton element={frame} />
        </div>
      </div>
    </div>
  );
}

/** Shows an element in full screen, and back; does nothing if the browser does not support it. */
export function FullScreenButton({ element }: { element: RefObject<HTMLElement | null> }) {
  if (!document.fullscreenEnabled) return null;
  const toggle = () => {
    if (document.fullscreenElement) void document.exitFullscreen();
    else void element.current?.requestFullscreen();
  };
  return (
    <button type="button" class="small wide" onClick={toggle}>
      Full screen
    </button>
  );
}
