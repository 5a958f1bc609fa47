import { useSignal, useSignalEffect } from "@preact/signals";
import type { LivePicture } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { getRules } from "../api/calls.ts";
import { type CameraState, setRules } from "../state/cameras.ts";
import { watchList } from "../state/live.ts";
import { formatDuration } from "../words/numbers.ts";
import { drawPicture } from "./draw-picture.ts";
import { drawPictures } from "./picture-painter.ts";

/** CSS pixels of the picture's width from which on labels are whole, and from which on they have the class's name. */
const fullLabels = 560;
const shortLabels = 240;

/** From this age on, in seconds, a picture is not taken for the present without a word. */
const oldSeconds = 5;

/** A zoomed picture is drawn no larger than this, in device pixels of its longer side. */
const mostPixels = 3_000;

interface Props {
  state: CameraState;
  label: string;
  onPicture?: (head: LivePicture) => void;
}

/**
 * A camera's live picture with boxes, labels and zones, and a word when there is none yet or it is old. Pictures come only
 * while it is in view. Carries the frame that it shows (`data-epoch`, `data-frame`) and where in the canvas the picture
 * lies (`data-view`: x y width height).
 */
export function LiveCanvas({ state, label, onPicture }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useSignal(false);
  const age = useSignal(0);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d", { alpha: false });
    if (!element || !context) return;
    let last: { head: LivePicture; bitmap: ImageBitmap; at: number } | undefined;
    let visible = false;
    let scale = devicePixelRatio;
    const places = new Map<string, number>();

    const draw = () => {
      if (!last) return;
      const { head, bitmap } = last;
      const view = drawPicture(context, head, bitmap, {
        rules: state.rules.peek(),
        scale,
        places,
        labels:
          element.clientWidth >= fullLabels ? "full" : element.clientWidth >= shortLabels ? "short" : "id",
      });
      element.dataset.epoch = head.epoch;
      element.dataset.frame = String(head.number);
      element.dataset.view = `${view.x} ${view.y} ${view.width} ${view.height}`;
    };
    const want = () => {
      if (visible && element.clientWidth > 0)
        watchList.want(state.id, element.clientWidth * devicePixelRatio);
      else watchList.unwant(state.id);
    };
    const detach = drawPictures.attach(state.id, {
      draw(head, bitmap) {
        last?.bitmap.close();
        last = { head, bitmap, at: performance.now() - head.latencyMs };
        draw();
        shown.value = true;
        age.value = 0;
        onPicture?.(head);
      },
    });
    const resized = new ResizeObserver(() => {
      scale = Math.min(devicePixelRatio, mostPixels / Math.max(1, element.clientWidth, element.clientHeight));
      const width = Math.round(element.clientWidth * scale);
      const height = Math.round(element.clientHeight * scale);
      if (width !== element.width || height !== element.height) {
        element.width = width;
        element.height = height;
        draw();
      }
      want();
    });
    const scrolled = new IntersectionObserver(
      (entries) => {
        visible = entries.at(-1)?.isIntersecting ?? false;
        want();
      },
      { rootMargin: "60px" },
    );
    resized.observe(element);
    scrolled.observe(element);
    const growOld = setInterval(() => {
      if (last) age.value = Math.floor((performance.now() - last.at) / 1000);
    }, 1_000);
    const stopFollowing = state.rules.subscribe(draw);
    return () => {
      clearInterval(growOld);
      stopFollowing();
      resized.disconnect();
      scrolled.disconnect();
      detach();
      watchList.unwant(state.id);
      last?.bitmap.close();
    };
  }, [state]);

  useRules(state);
  return (
    <>
      <canvas ref={canvas} class="live-canvas" role="img" aria-label={label} />
      {!shown.value && <p class="picture-state">Waiting for a picture …</p>}
      {age.value >= oldSeconds && (
        <p class="picture-state">This picture is {formatDuration(age.value)} old.</p>
      )}
    </>
  );
}

/** Fetches a camera's rules unless the server has already sent them. */
function useRules(state: CameraState): void {
  useSignalEffect(() => {
    if (state.rules.value !== undefined) return;
    const aborted = new AbortController();
    getRules(state.id, aborted.signal).then(
      (rules) => {
        if (!aborted.signal.aborted && state.rules.peek() === undefined) setRules(state.id, rules);
      },
      // Without rules the picture is shown without zones; the zones page tells what is wrong.
      () => undefined,
    );
    return () => aborted.abort();
  });
}
