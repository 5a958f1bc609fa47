import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { getPicture } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import type { CameraState } from "../state/cameras.ts";
import { moveShape } from "./edit-draft.ts";
import type { Point } from "./rules-draft.ts";
import type { RulesEditing } from "./rules-editing.ts";
import { DrawnShape } from "./scene-shape.tsx";
import type { Sketch } from "./sketch.ts";
import { ToolBar } from "./tool-bar.tsx";

/** A click within this many pixels of a corner means that corner. */
const reach = 12;

/** A camera whose privacy masks changed is reconnected; its next picture is requested repeatedly at this interval. */
const reconnectMs = 1_000;
const mostAttempts = 15;

/** A still picture of the camera with its zones, lines and masks, to draw and move them. */
export function SceneEditor({ state, editing }: { state: CameraState; editing: RulesEditing }) {
  const still = useStill(state.id);
  const size = useSignal({ width: 640, height: 360 });
  const pointer = useSignal<Point | undefined>(undefined);
  const drag = useRef<{ key: string; from: Point } | undefined>(undefined);
  const svg = useRef<SVGSVGElement>(null);
  const sketch = editing.sketch.value;
  const { sourceWidth, sourceHeight } = state.camera.value.status;
  const aspect = still.aspect.value || (sourceWidth > 0 ? sourceWidth / sourceHeight : 16 / 9);
  const tool = editing.tool.value;

  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const observer = new ResizeObserver(() => {
      size.value = { width: element.clientWidth, height: element.clientHeight };
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEditingKeys(editing);
  useSignalEffect(() => {
    if (editing.masksSaved.value === 0) return;
    // By then the camera is reconnecting, and earlier pictures are no longer delivered.
    const timer = setTimeout(still.refresh, reconnectMs);
    return () => clearTimeout(timer);
  });

  const place = (event: MouseEvent): Point => {
    const rectangle = (svg.current as SVGSVGElement).getBoundingClientRect();
    const within = (value: number) => Math.min(1, Math.max(0, value));
    return [
      within((event.clientX - rectangle.left) / rectangle.width),
      within((event.clientY - rectangle.top) / rectangle.height),
    ];
  };
  const add = (point: Point) =>
    editing.sketchTo(point, [reach / size.value.width, reach / size.value.height]);
  const onPointerMove = (event: PointerEvent) => {
    const now = place(event);
    if (tool !== "select") pointer.value = now;
    const moved = drag.current;
    if (!moved) return;
    editing.edit(
      moveShape(editing.draft.peek(), moved.key, [now[0] - moved.from[0], now[1] - moved.from[1]]),
      `move ${moved.key}`,
    );
    moved.from = now;
  };
  const endDrag = () => {
    if (drag.current) editing.endAct();
    drag.current = undefined;
  };
  const grab = (key: string, event: PointerEvent) => {
    editing.selected.value = key;
    drag.current = { key, from: place(event) };
    svg.current?.setPointerCapture(event.pointerId);
  };

  return (
    <section class="scene" aria-labelledby="scene-title">
      <h2 id="scene-title" class="hidden">
        Picture
      </h2>
      <ToolBar editing={editing} onRefresh={still.refresh} />
      <div class="scene-place" style={{ aspectRatio: String(aspect), "--aspect": String(aspect) }}>
        {still.url.value !== "" && (
          <img src={still.url.value} alt="" draggable={false} onLoad={still.measured} />
        )}
        {still.url.value === "" && <p class="scene-fault">{still.fault.value || "Fetching a picture …"}</p>}
        <svg
          ref={svg}
          class={`scene-drawing ${tool}`}
          viewBox={`0 0 ${size.value.width} ${size.value.height}`}
          role="group"
          aria-label="Zones, lines and masks on the picture"
          data-testid="scene"
          onPointerDown={(event) => {
            if (tool === "select") editing.selected.value = undefined;
            else if (event.button === 0) add(place(event));
          }}
          onPointerMove={onPointerMove}
          onPointerUp={endDrag}
          onPointerCancel={endDrag}
        >
          {editing.draft.value.shapes.map((shape) => (
            <DrawnShape
              key={shape.key}
              shape={shape}
              editing={editing}
              size={size.value}
              place={place}
              onGrab={(event) => grab(shape.key, event)}
            />
          ))}
          <SketchLine sketch={sketch} pointer={pointer.value} size={size.value} />
        </svg>
      </div>
    </section>
  );
}

/** The editor's keys: they work wherever the focus is on the page, since it moves with clicks. */
function useEditingKeys(editing: RulesEditing): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const target = event.target instanceof Element ? event.target : document.body;
      if (event.defaultPrevented || target.closest("header")) return;
      const isOpen = editing.sketch.peek().length > 0;
      const isWritten = target.matches("input, select");
      if (event.key === "Escape" && editing.tool.peek() !== "select") editing.dropSketch();
      else if (event.key === "Enter" && isOpen) editing.closeSketch();
      else if (event.key === "Backspace" && isOpen && !isWritten) editing.undo();
      else if (event.key === "z" && (event.ctrlKey || event.metaKey) && !isWritten) editing.undo();
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, [editing]);
}

function SketchLine({
  sketch,
  pointer,
  size,
}: {
  sketch: Sketch;
  pointer: Point | undefined;
  size: { width: number; height: number };
}) {
  if (sketch.length === 0) return null;
  const all = pointer ? [...sketch, pointer] : sketch;
  return (
    <g class="sketch">
      <polyline points={all.map(([x, y]) => `${x * size.width},${y * size.height}`).join(" ")} />
      {sketch.map(([x, y], index) => (
        <circle
          key={`${x} ${y}`}
          class={index === 0 ? "first" : ""}
          cx={x * size.width}
          cy={y * size.height}
          r={5}
        />
      ))}
    </g>
  );
}

/** A still picture of a camera, as an address for an image. */
function useStill(id: string) {
  const url = useSignal("");
  const fault = useSignal("");
  const aspect = useSignal(0);
  const wanted = useSignal(0);
  useSignalEffect(() => {
    const isAgain = wanted.value > 0;
    const aborted = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = (attempt: number) =>
      getPicture(id, 1280, aborted.signal).then(
        (blob) => {
          if (aborted.signal.aborted) return;
          URL.revokeObjectURL(url.peek());
          url.value = URL.createObjectURL(blob);
          fault.value = "";
        },
        (error) => {
          if (aborted.signal.aborted) return;
          fault.value = `There is no picture now. ${describeFailure(error)} Shapes can be drawn all the same.`;
          if (isAgain && attempt < mostAttempts) timer = setTimeout(() => ask(attempt + 1), reconnectMs);
        },
      );
    void ask(1);
    return () => {
      clearTimeout(timer);
      aborted.abort();
    };
  });
  useEffect(() => () => URL.revokeObjectURL(url.peek()), []);
  const refresh = () => {
    wanted.value++;
  };
  const measured = (event: Event) => {
    const { naturalWidth, naturalHeight } = event.currentTarget as HTMLImageElement;
    if (naturalHeight > 0) aspect.value = naturalWidth / naturalHeight;
  };
  return { url, fault, aspect, refresh, measured };
}
