import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { clipUrl } from "../api/calls.ts";
import { describeFailure, request } from "../api/request.ts";
import { BoxedVideo } from "../recording/boxed-video.tsx";
import { movieTimes, type PictureTime } from "../recording/capture-times.ts";
import { ShownTimes } from "../recording/shown-times.ts";

/** The video of an event, from some seconds before to some seconds after it, with the detections' boxes. */
export function EventClip({ event, name }: { event: HttpEvent; name: string }) {
  const video = useRef<HTMLVideoElement>(null);
  const times = useMemo(() => new ShownTimes(), []);
  const fault = useSignal("");
  useEffect(() => {
    const aborted = new AbortController();
    clipTimes(event, aborted.signal).then(
      (pictures) => times.set(0, pictures),
      // The player shows why there is no clip.
      () => undefined,
    );
    return () => aborted.abort();
  }, [event.camera, event.id]);
  const explain = async () => {
    try {
      await request(clipUrl(event).replace("/api/v1", ""), { method: "HEAD" });
      fault.value =
        "This browser cannot play the video: it does not know the codec (H.265, perhaps). Save it to play it elsewhere.";
    } catch (error) {
      fault.value = await reasonOf(event, error);
    }
  };
  return (
    <>
      <BoxedVideo
        camera={event.camera}
        label={`Clip: ${name}`}
        video={video}
        times={times}
        src={clipUrl(event)}
        onError={() => void explain()}
      />
      {fault.value !== "" && (
        <p class="fault" role="alert">
          {fault.value}
        </p>
      )}
    </>
  );
}

/** Display and capture times of the clip's pictures. Reads only the part of the file that contains them. */
async function clipTimes(event: HttpEvent, signal: AbortSignal): Promise<PictureTime[]> {
  const { body } = await request(clipUrl(event).replace("/api/v1", ""), { signal });
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const reader = body?.getReader();
  try {
    for (;;) {
      const part = await reader?.read();
      if (!part || part.done) return [];
      chunks.push(part.value);
      const times = movieTimes(await new Blob(chunks).arrayBuffer());
      if (times) return times;
    }
  } finally {
    await reader?.cancel();
  }
}

/** The server's reason; an answer to HEAD has no text. */
async function reasonOf(event: HttpEvent, error: unknown): Promise<string> {
  try {
    await request(clipUrl(event).replace("/api/v1", ""));
  } catch (told) {
    return describeFailure(told);
  }
  return describeFailure(error);
}
