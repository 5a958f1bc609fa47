import { useSignal } from "@preact/signals";
import type Hls from "hls.js";
import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { playlistUrl } from "../api/calls.ts";
import { BoxedVideo } from "./boxed-video.tsx";
import { fragmentTimes } from "./capture-times.ts";
import { ShownTimes } from "./shown-times.ts";
import type { Window } from "./timeline-scale.ts";

interface Props {
  camera: string;
  /** The range that is played from its beginning. */
  range: Window;
  /** Jumps to a time in the range, in milliseconds since 1970, whenever a new object is given. */
  seek?: { ms: number } | undefined;
  /** The video element, for callers that start and stop it. */
  video?: RefObject<HTMLVideoElement | null>;
  /** Called with the capture time of the shown picture, in milliseconds since 1970. */
  onTime: (ms: number) => void;
}

const unplayable =
  "This browser cannot play the video: it does not know the codec (H.265, perhaps). The recording can be saved and played elsewhere.";

/** Plays a range of a camera's recording, loading file after file as needed, with the detections' boxes. */
export function RecordingPlayer({ camera, range, seek, video: given, onTime }: Props) {
  const own = useRef<HTMLVideoElement>(null);
  const video = given ?? own;
  const goTo = useRef<(ms: number) => void>(() => undefined);
  const times = useMemo(() => new ShownTimes(), []);
  const fault = useSignal("");
  useEffect(() => {
    const element = video.current;
    if (!element) return undefined;
    fault.value = "";
    const url = playlistUrl(camera, range);
    let stop = (): void => undefined;
    let ended = false;
    // Loaded only when something is played.
    void import("hls.js/light").then(({ default: Hls }) => {
      if (ended) return;
      if (!Hls.isSupported()) {
        element.src = url;
        return;
      }
      // A worker would be a script from a blob, which the page's content security policy forbids.
      const hls = new Hls({ enableWorker: false, backBufferLength: 60, maxBufferLength: 30 });
      hls.on(Hls.Events.ERROR, (_, { fatal, details, response, error }) => {
        if (!fatal) return;
        const codec = details === Hls.ErrorDetails.BUFFER_ADD_CODEC_ERROR || details.includes("Codec");
        fault.value = codec
          ? unplayable
          : response?.code === 404
            ? "Nothing is kept of this time any more."
            : `The recording cannot be played: ${error.message}.`;
      });
      followTimes(hls, Hls.Events, times);
      const tell = () => {
        const time = times.captureMsAt(element.currentTime) ?? hls.playingDate?.getTime();
        if (time !== undefined) onTime(time);
      };
      goTo.current = (ms) => {
        const seconds = placeOf(hls, ms);
        if (seconds !== undefined) element.currentTime = seconds;
      };
      element.addEventListener("timeupdate", tell);
      hls.loadSource(url);
      hls.attachMedia(element);
      stop = () => {
        element.removeEventListener("timeupdate", tell);
        goTo.current = () => undefined;
        hls.destroy();
        times.clear();
      };
    });
    return () => {
      ended = true;
      stop();
    };
  }, [camera, range.fromMs, range.toMs]);
  useEffect(() => {
    if (seek) goTo.current(seek.ms);
  }, [seek]);
  return (
    <>
      <BoxedVideo camera={camera} label={`Recording of camera ${camera}`} video={video} times={times} />
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
    </>
  );
}

/** Player time of the picture captured at a time, or of the next one, in seconds; undefined while unknown. */
function placeOf(hls: Hls, ms: number): number | undefined {
  for (const { programDateTime, duration, start } of hls.levels[0]?.details?.fragments ?? [])
    if (programDateTime !== null && ms < programDateTime + duration * 1_000)
      return start + Math.max(0, ms - programDateTime) / 1_000;
  return undefined;
}

/**
 * Updates `times` when pieces are loaded: each piece has its pictures' capture times, and the player knows by how much it moves their times.
 */
function followTimes(hls: Hls, events: typeof Hls.Events, times: ShownTimes): void {
  const loaded = new WeakMap<object, ReturnType<typeof fragmentTimes>>();
  const moved = new WeakMap<object, number>();
  hls.on(events.FRAG_LOADED, (_, { frag, payload }) => {
    if (frag.sn !== "initSegment") loaded.set(frag, fragmentTimes(payload));
  });
  hls.on(events.BUFFER_APPENDING, (_, { frag, offset }) => {
    if (offset !== undefined) moved.set(frag, offset);
  });
  hls.on(events.FRAG_BUFFERED, (_, { frag }) => {
    const pictures = loaded.get(frag);
    const offset = moved.get(frag);
    if (frag.sn === "initSegment" || !pictures || offset === undefined) return;
    times.set(
      frag.sn,
      pictures.map(({ seconds, captureMs }) => ({ seconds: seconds + offset, captureMs })),
    );
    loaded.delete(frag);
  });
}
