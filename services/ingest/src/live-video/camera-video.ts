import { Readable } from "node:stream";
import { encodeBinaryMessage } from "@sightline/contracts";
import {
  type CodedPicture,
  isRecordedCodec,
  LiveMovie,
  type LivePart,
  type RecordedCodec,
} from "@sightline/recording";

/** Most bytes that wait for a viewer that reads slowly; above this, pictures are left out up to the next key picture. */
const mostWaitingBytes = 4 * 1024 * 1024;

interface Viewer {
  stream: Readable;
  movie: LiveMovie | undefined;
}

/** Gives a camera's compressed pictures to viewers as they come. Costs nothing while there are none. */
export class CameraVideo {
  readonly #recent: () => readonly CodedPicture[];
  readonly #viewers = new Set<Viewer>();
  #codec: string | undefined;
  /** Why the video may not be seen. */
  #withheld: string | undefined;

  /**
   * `recent`: the pictures of this connection since the newest key picture, so that a viewer does not wait for the next
   * one.
   */
  constructor(recent: () => readonly CodedPicture[]) {
    this.#recent = recent;
  }

  /** Number of viewers. */
  get viewers(): number {
    return this.#viewers.size;
  }

  /** A connection begins whose video has this codec (its SDP name); `withheld` says why none of it may be seen. */
  connected(codec: string, withheld?: string): void {
    this.#codec = codec;
    this.#withheld = withheld;
    for (const viewer of this.#viewers) this.#begin(viewer);
  }

  /** Takes a picture of the connection. The caller must not change it afterwards. */
  arrived(picture: CodedPicture): void {
    for (const viewer of this.#viewers) this.#give(viewer, picture);
  }

  /** A stream of messages of live-video.ts, each with its length in front. Ends when this process no longer receives the camera. */
  watch(): Readable {
    const viewer: Viewer = { stream: new Readable({ read: () => undefined }), movie: undefined };
    this.#viewers.add(viewer);
    viewer.stream.once("close", () => this.#viewers.delete(viewer));
    if (this.#codec !== undefined) this.#begin(viewer);
    for (const picture of this.#recent()) this.#give(viewer, picture);
    return viewer.stream;
  }

  async stop(): Promise<void> {
    for (const { stream } of this.#viewers) stream.push(null);
    this.#viewers.clear();
  }

  #begin(viewer: Viewer): void {
    const codec = this.#codec!;
    const withheld = this.#withheld;
    viewer.movie = isRecordedCodec(codec) && withheld === undefined ? new LiveMovie(codec) : undefined;
    if (viewer.movie) return;
    const why = withheld === undefined ? {} : { reason: `${withheld}.` };
    send(viewer.stream, encodeBinaryMessage({ type: "unplayable", codec: codec.toLowerCase(), ...why }));
  }

  #give(viewer: Viewer, picture: CodedPicture): void {
    const { movie, stream } = viewer;
    if (!movie) return;
    const parts = movie.push(picture);
    if (stream.readableLength < mostWaitingBytes) {
      for (const { data, ...head } of parts) send(stream, encodeBinaryMessage(head, data));
      return;
    }
    // If the omitted data contains the beginning of a movie, a new movie begins.
    if (parts.some(isStart)) viewer.movie = new LiveMovie(this.#codec as RecordedCodec);
    else movie.skip();
  }
}

function send(stream: Readable, message: Uint8Array): void {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(message.byteLength);
  stream.push(length);
  stream.push(message);
}

function isStart({ type }: LivePart): boolean {
  return type === "start";
}
