import type { RecordingSegment } from "@sightline/contracts";

/** A file of a recording, and the ingest that has it. */
export type HeldSegment = RecordingSegment & { ingest: string };

/** Players do not accept segments with another extension. */
export const segmentExtension = ".mp4";

/** Files with at most this gap belong together, in milliseconds. */
const mostGapMs = 500;

/**
 * An HLS playlist (RFC 8216) of segments ordered by time. Each names its own initialization section, which is the beginning of its file,
 * and the time of its first picture. Segments of a time that is already covered are left out. Players begin at `fromMs`, or with the first
 * picture when that is later. Players accept sound only when all segments have it; otherwise, or without `audio`, there is none.
 */
export function playlistOf(segments: readonly HeldSegment[], fromMs: number, audio: boolean): string {
  const lines: string[] = [];
  const query =
    segments.some((segment) => segment.audio) && !(audio && segments.every((segment) => segment.audio))
      ? "?audio=false"
      : "";
  const startSeconds = Math.max(0, fromMs - (segments[0]?.fromMs ?? fromMs)) / 1000;
  let before: HeldSegment | undefined;
  let longestMs = 1;
  for (const segment of segments) {
    const { ingest, id, fromMs, toMs, bytes, initBytes } = segment;
    if (before && fromMs < before.toMs - mostGapMs) continue;
    if (before && !continues(before, segment)) lines.push("#EXT-X-DISCONTINUITY");
    const uri = `segments/${encodeURIComponent(ingest)}/${encodeURIComponent(id)}${segmentExtension}${query}`;
    lines.push(
      `#EXT-X-MAP:URI="${uri}",BYTERANGE="${initBytes}@0"`,
      `#EXT-X-PROGRAM-DATE-TIME:${new Date(fromMs).toISOString()}`,
      `#EXTINF:${((toMs - fromMs) / 1000).toFixed(3)},`,
      `#EXT-X-BYTERANGE:${bytes - initBytes}@${initBytes}`,
      uri,
    );
    longestMs = Math.max(longestMs, toMs - fromMs);
    before = segment;
  }
  return `${[
    "#EXTM3U",
    "#EXT-X-VERSION:7",
    `#EXT-X-TARGETDURATION:${Math.ceil(longestMs / 1000)}`,
    "#EXT-X-PLAYLIST-TYPE:VOD",
    "#EXT-X-INDEPENDENT-SEGMENTS",
    `#EXT-X-START:TIME-OFFSET=${startSeconds.toFixed(3)},PRECISE=YES`,
    ...lines,
    "#EXT-X-ENDLIST",
  ].join("\n")}\n`;
}

/** Whether a player can continue from one segment to the next without a new timeline or decoder. */
function continues(before: HeldSegment, segment: HeldSegment): boolean {
  return (
    segment.ingest === before.ingest &&
    segment.fromMs - before.toMs <= mostGapMs &&
    segment.codec === before.codec &&
    segment.width === before.width &&
    segment.height === before.height &&
    segment.audio === before.audio
  );
}
