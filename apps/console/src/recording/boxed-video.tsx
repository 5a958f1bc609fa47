import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { listDetections } from "../api/calls.ts";
import { describeFailure } from "../api/request.ts";
import { drawDetections, labelsFor } from "../live/draw-picture.ts";
import { FullScreenButton } from "../shell/zoom-view.tsx";
import { type Knowledge, PastDetections } from "./past-detections.ts";
import type { ShownTimes } from "./shown-times.ts";

/** Key under which the browser remembers whether to draw boxes over recordings. */
const choiceKey = "sightline-boxes";

interface Props {
  camera: string;
  label: string;
  video: RefObject<HTMLVideoElement | null>;
  /** Capture times of the shown pictures. */
  times: ShownTimes;
  /** Only for a video that is played without a script. */
  src?: string;
  onError?: () => void;
}

/**
 * A recorded video with the boxes of the shown picture's detections. The layer with the boxes has attributes for the analysed frame
 * (`data-epoch`, `data-frame`), the picture's capture time (`data-capture`) and its position (`data-view`: x y width height).
 */
export function BoxedVideo({ camera, label, video, times, src, onError }: Props) {
  const layer = useRef<HTMLCanvasElement>(null);
  const frame = useRef<HTMLDivElement>(null);
  const wanted = useSignal(localStorage.getItem(choiceKey) !== "off");
  const knowledge = useSignal<Knowledge>("unknown");
  const fault = useSignal("");
  const choose = () => {
    wanted.value = !wanted.value;
    localStorage.setItem(choiceKey, wanted.value ? "on" : "off");
  };

  useEffect(() => {
    const { current: element } = video;
    const { current: canvas } = layer;
    if (!element || !canvas || !wanted.value) return undefined;
    return drawOver(element, canvas, camera, times, (known, failure) => {
      knowledge.value = known;
      fault.value = failure === undefined ? "" : describeFailure(failure);
    });
  }, [camera, times, wanted.value]);

  const note = !wanted.value
    ? ""
    : fault.value !== ""
      ? `Boxes cannot be drawn: ${fault.value}`
      : knowledge.value === "none"
        ? "No detections are kept of this time, so no boxes are drawn."
        : "";
  return (
    <div class="boxed-video" ref={frame}>
      <div class="boxed-place">
        <video
          ref={video}
          class="recording-video"
          controls
          // The video and its boxes share the full screen.
          controlsList="nofullscreen"
          autoPlay
          muted
          playsInline
          preload="metadata"
          src={src}
          aria-label={label}
          onError={onError}
        />
        <canvas ref={layer} class="box-layer" aria-hidden="true" />
      </div>
      <div class="zoom-foot">
        <p class="note">{note}</p>
        <div class="zoom-tools">
          <button type="button" class="small wide" aria-pressed={wanted.value} onClick={choose}>
            Boxes
          </button>
          <FullScreenButton element={frame} />
        </div>
      </div>
    </div>
  );
}

/** Draws boxes over a video until the returned function is called; `tell` is called with what is known about the shown picture. */
function drawOver(
  video: HTMLVideoElement,
  layer: HTMLCanvasElement,
  camera: string,
  times: ShownTimes,
  tell: (knowledge: Knowledge, fault: unknown) => void,
): () => void {
  const context = layer.getContext("2d");
  const ended = new AbortController();
  const places = new Map<string, number>();
  let shownSeconds: number | undefined;
  let fault: unknown;
  const past = new PastDetections(
    (fromMs, pageToken, signal) => listDetections(camera, fromMs, pageToken, signal),
    (failure) => {
      fault = failure;
      draw();
    },
  );
  const draw = () => {
    if (!context || ended.signal.aborted) return;
    const captureMs = shownSeconds === undefined ? undefined : times.captureMsAt(shownSeconds);
    if (captureMs !== undefined) past.want(captureMs);
    const analysed = captureMs === undefined ? undefined : past.at(captureMs);
    const scale = devicePixelRatio;
    const width = Math.round(layer.clientWidth * scale);
    const height = Math.round(layer.clientHeight * scale);
    if (layer.width !== width || layer.height !== height) {
      layer.width = width;
      layer.height = height;
    }
    const size = { width: video.videoWidth, height: video.videoHeight };
    const view = drawDetections(context, analysed?.detections ?? [], size, {
      ...{ scale, places, labels: labelsFor(layer.clientWidth) },
    });
    layer.dataset.epoch = analysed?.epoch ?? "";
    layer.dataset.frame = String(analysed?.number ?? "");
    layer.dataset.capture = String(captureMs ?? "");
    layer.dataset.view = `${view.x} ${view.y} ${view.width} ${view.height}`;
    tell(captureMs === undefined ? "unknown" : past.knowledge(captureMs), fault);
  };
  const show = (seconds: number | undefined) => {
    shownSeconds = seconds;
    draw();
  };
  let request = 0;
  const { signal } = ended;
  if ("requestVideoFrameCallback" in video) {
    const shown = (_now: number, { mediaTime }: { mediaTime: number }) => {
      request = video.requestVideoFrameCallback(shown);
      show(mediaTime);
    };
    request = video.requestVideoFrameCallback(shown);
    // A paused video does not show its picture again.
    if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) show(video.currentTime);
  } else
    for (const event of ["timeupdate", "seeked"])
      (video as HTMLVideoElement).addEventListener(
        event,
        () => show((video as HTMLVideoElement).currentTime),
        { signal },
      );
  video.addEventListener("emptied", () => show(undefined), { signal });
  times.listen(draw);
  const resized = new ResizeObserver(draw);
  resized.observe(layer);
  return () => {
    ended.abort();
    if (request !== 0) video.cancelVideoFrameCallback(request);
    resized.disconnect();
    times.listen(() => undefined);
    past.stop();
    context?.clearRect(0, 0, layer.width, layer.height);
    for (const name of ["epoch", "frame", "capture", "view"]) delete layer.dataset[name];
  };
}
