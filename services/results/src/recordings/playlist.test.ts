import { expect, test } from "vitest";
import { type HeldSegment, playlistOf } from "./playlist.ts";

const startMs = Date.parse("2026-03-01T08:00:00Z");

/** Files of ten seconds, one behind the other; those named have sound. */
function segments(...sound: readonly boolean[]): HeldSegment[] {
  return sound.map((audio, i) => ({
    ...{ ingest: "ingest-1", id: String(startMs + i * 10_000), bytes: 1000, initBytes: 100 },
    ...{
      fromMs: startMs + i * 10_000,
      toMs: startMs + (i + 1) * 10_000,
      codec: "h264",
      width: 640,
      height: 360,
    },
    ...(audio && { audio }),
  }));
}

/** Addresses of the files, and how often a player must begin anew. */
function read(playlist: string) {
  const lines = playlist.split("\n");
  const files = lines.filter((line) => line.startsWith("segments/"));
  const heads = lines.flatMap((line) => /^#EXT-X-MAP:URI="([^"]*)"/.exec(line)?.[1] ?? []);
  expect(heads).toEqual(files);
  return {
    isSilent: files.map((file) => file.endsWith(".mp4?audio=false")),
    breaks: lines.filter((line) => line === "#EXT-X-DISCONTINUITY").length,
  };
}

test.each([
  ["files without sound are played as they are", [false, false], true, [false, false], 0],
  ["and those with sound", [true, true], true, [false, false], 0],
  ["where only some have sound, all are played without", [true, false, true], true, [true, true, true], 2],
  ["so they are when sound is not wanted", [true, true], false, [true, true], 0],
] as const)("%s", (_, sound, audio, isSilent, breaks) => {
  expect(read(playlistOf(segments(...sound), startMs, audio))).toEqual({ isSilent, breaks });
});
