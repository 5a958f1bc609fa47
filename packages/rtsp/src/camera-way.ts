import type { Writable } from "node:stream";

/** How a camera's packets go to an ffmpeg. */
export interface CameraWay {
  /** ffmpeg's arguments, up to and with the input. */
  readonly inputArguments: readonly string[];
  /** Resolves when ffmpeg has gone, or `close` was called. */
  readonly ended: Promise<void>;
  /** Bytes that ffmpeg has not taken yet. */
  readonly backlog: number;
  /** Begins: `stdin` is that of an ffmpeg with these arguments. */
  feed(stdin: Writable): void;
  /** Passes a packet on, with the 4 bytes of its header; false when ffmpeg is slow and the source should wait for `drained`. */
  push(packet: Buffer, arrivedAt: number): boolean;
  /** Ends the stream behind what was pushed. */
  finish(): void;
  close(): void;
}

/** What a way asks of the camera's side. */
export interface WaySource {
  /** Starts the stream. @throws CameraFaultError */
  play(): Promise<void>;
  /** There is room for packets again. */
  drained(): void;
}
