import type { RecordingSpan } from "@sightline/contracts";
import type { Segment } from "@sightline/recording";

/** A pause between two segments that is no longer than this is none. */
const mostPauseMs = 1_500;

/** The stretches without a pause that segments make up, which come by time. */
export function spansOf(segments: readonly Segment[]): RecordingSpan[] {
  const spans: RecordingSpan[] = [];
  for (const segment of segments) {
    const { fromMs, endMs: toMs, width, height, audio, kind } = segment;
    const span = {
      ...{ fromMs, toMs, codec: segment.codec.toLowerCase(), width, height },
      ...{ audio, eventsOnly: kind !== "continuous" },
    };
    const last = spans.at(-1);
    const goesOn =
      last &&
      span.fromMs - last.toMs <= mostPauseMs &&
      (["codec", "width", "height", "audio", "eventsOnly"] as const).every((key) => last[key] === span[key]);
    if (goesOn) last.toMs = Math.max(last.toMs, toMs);
    else spans.push(span);
  }
  return spans;
}
