import type { IncomingMessage } from "node:http";
import { CameraReason } from "@sightline/contracts";
import { parse, setOptions, type types } from "hls-parser";
import { faultError } from "../camera-fault.ts";

// Otherwise it would write its complaints to the console.
setOptions({ silent: true });

const mostPlaylistBytes = 1024 * 1024;

export type Playlist = types.MasterPlaylist | types.MediaPlaylist;

/** Reads a whole body, up to `most` bytes. @throws CameraFaultError, also when `signal` aborts */
export async function readBody(body: IncomingMessage, most: number, signal: AbortSignal): Promise<Buffer> {
  const abort = () => body.destroy();
  signal.addEventListener("abort", abort);
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of body as AsyncIterable<Buffer>) {
      pieces.push(piece);
      bytes += piece.length;
      if (bytes > most)
        throw faultError(
          CameraReason.PROTOCOL_ERROR,
          "the data that it sends is larger than that of any camera",
        );
    }
  } catch (error) {
    if (bytes > most) throw error;
    throw faultError(CameraReason.STALLED, "it began to send data but did not finish");
  } finally {
    signal.removeEventListener("abort", abort);
    body.destroy();
  }
  return Buffer.concat(pieces);
}

/** @throws CameraFaultError for text that is not a playlist, and for a playlist whose segments cannot be played here */
export async function readPlaylist(body: IncomingMessage, signal: AbortSignal): Promise<Playlist> {
  const text = (await readBody(body, mostPlaylistBytes, signal)).toString("utf8");
  let playlist: Playlist;
  try {
    playlist = parse(text);
  } catch {
    throw faultError(CameraReason.PROTOCOL_ERROR, "its HLS playlist cannot be read");
  }
  if (playlist.isMasterPlaylist) return playlist;
  const [first] = playlist.segments;
  if (first?.key && first.key.method !== "NONE")
    throw faultError(CameraReason.UNSUPPORTED_CODEC, "its HLS segments are encrypted");
  if (first?.byterange)
    throw faultError(CameraReason.UNSUPPORTED_CODEC, "its HLS segments are parts of files");
  return playlist;
}
