import { useSignal, useSignalEffect } from "@preact/signals";
import type { LivePicture } from "@sightline/contracts";
import { useEffect, useRef } from "preact/hooks";
import { getRules } from "../api/calls.ts";
import { type CameraState, setRules } from "../state/cameras.ts";
import { watchList } from "../state/live.ts";
import { formatDuration } from "../words/numbers-and-times.ts";
import { type Drawable, drawPicture, labelsFor } from "./draw-picture.ts";
import { canPlayVideo, LiveVideo } from "./live-video.ts";
import { drawPictures } from "./picture-painter.ts";

/** A picture older than this, in seconds, is marked as old. */
const oldSeconds = 5;

/** A zoomed picture is drawn no larger than this: device pixels of its longer side. */
const mostPixels = 3_000;

interface Props {
  state: CameraState;
  label: string;
  /** Shows the camera's own video if this browser can play it; otherwise, and until it starts, pictures of analysed frames. */
  video?: boolean;
  /** Called with each picture that is shown: an analysed frame, or a picture of the video. */
  onPicture?: (shown: ShownPicture) => void;
  /** Called with the reason, in words, when video was wanted but cannot be shown. */
  onNoVideo?: (reason: string) => void;
}

/** The shown picture: `head` is the analysed frame whose boxes are drawn; undefined when this picture of the video has none. */
export type ShownPicture = { head: LivePicture | undefined } & (
  | { kind: "picture" }
  | { kind: "video"; width: number; height: number }
);

/**
 * A camera's live picture with boxes, labels and zones, and a message when there is none yet or it is old. Pictures are sent only while
 * it is in view. Its attributes show the frame whose boxes are drawn (`data-epoch`, `data-frame`), the kind of picture (`data-kind`) and
 * the picture's position in the canvas (`data-view`: x y width height).
 */
export function LiveCanvas({ state, label, video = false, onPicture, onNoVideo }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useSignal(false);
  const age = useSignal(0);

  useEffect(() => {
    const element = canvas.current;
    const context = element?.getContext("2d", { alpha: false });
    if (!element || !context) return;
    let last: { shown: ShownPicture; picture: Drawable; at: number } | undefined;
    let visible = false;
    let scale = devicePixelRatio;
    const places = new Map<string, number>();

    const draw = () => {
      if (!last) return;
      const { shown, picture } = last;
      const view = drawPicture(context, shown.head?.detections ?? [], picture, {
        rules: state.rules.peek(),
        scale,
        places,
        labels: labelsFor(element.clientWidth),
      });
      element.dataset.kind = shown.kind;
      element.dataset.epoch = shown.head?.epoch ?? "";
      element.dataset.frame = String(shown.head?.number ?? "");
      element.dataset.view = `${view.x} ${view.y} ${view.width} ${view.height}`;
    };
    const show = (next: NonNullable<typeof last>) => {
      if (last && last.picture.source instanceof ImageBitmap) last.picture.source.close();
      last = next;
      draw();
      shown.value = true;
      age.value = 0;
      onPicture?.(next.shown);
    };
    const playing = () => last?.shown.kind === "video";
    let videoLost = true;
    const want = () => {
      if (visible && element.clientWidth > 0 && videoLost)
        watchList.want(state.id, element.clientWidth * devicePixelRatio);
      else watchList.unwant(state.id);
    };
    const detach = drawPictures.attach(state.id, {
      draw(head, bitmap) {
        if (playing() && !videoLost) return bitmap.close();
        const { width, height } = bitmap;
        const at = performance.now() - head.latencyMs;
        show({ shown: { kind: "picture", head }, picture: { source: bitmap, width, height }, at });
      },
    });
    const stream =
      video && canPlayVideo
        ? new LiveVideo(state.id, {
            onFrame(source, head) {
              const { videoWidth: width, videoHeight: height } = source;
              const at = performance.now();
              show({ shown: { kind: "video", head, width, height }, picture: { source, width, height }, at });
              if (videoLost) {
                videoLost = false;
                want();
              }
            },
            onLost(reason) {
              if (reason !== undefined) onNoVideo?.(reason);
              if (videoLost) return;
              videoLost = true;
              want();
            },
          })
        : undefined;
    if (video && !canPlayVideo) onNoVideo?.("This browser cannot play live video.");
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
      stream?.stop();
      watchList.unwant(state.id);
      if (last && last.picture.source instanceof ImageBitmap) last.picture.source.close();
    };
  }, [state, video]);

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
      // Without rules the picture is shown without zones; the zones page reports the error.
      () => undefined,
    );
    return () => aborted.abort();
  });
}
