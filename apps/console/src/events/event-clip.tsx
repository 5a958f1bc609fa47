import { useSignal } from "@preact/signals";
import type { HttpEvent } from "@sightline/contracts";
import { clipUrl } from "../api/calls.ts";
import { describeFailure, request } from "../api/request.ts";

/** The video of an event, from some seconds before it to some after it. */
export function EventClip({ event, name }: { event: HttpEvent; name: string }) {
  const fault = useSignal("");
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
      <video
        class="recording-video"
        controls
        autoPlay
        muted
        playsInline
        preload="metadata"
        src={clipUrl(event)}
        aria-label={`Clip: ${name}`}
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

/** What the server says of it; the answer to HEAD has no text. */
async function reasonOf(event: HttpEvent, error: unknown): Promise<string> {
  try {
    await request(clipUrl(event).replace("/api/v1", ""));
  } catch (told) {
    return describeFailure(told);
  }
  return describeFailure(error);
}
